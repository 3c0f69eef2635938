package lab

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// sources are the apt lines for a suite, from the mirrors this host uses itself.
func sources(suite string) []string {
	main, security := mirrors("/etc/apt")
	lines := []string{"deb " + main + " " + suite + " main"}
	if suite != "sid" {
		lines = append(lines,
			"deb "+main+" "+suite+"-updates main",
			"deb "+security+" "+suite+"-security main")
	}
	return lines
}

// mirrors looks through apt's source files for the host's mirrors of Debian and of its
// security updates; where there are none (Ubuntu) they are Debian's own.
func mirrors(etc string) (main, security string) {
	files, _ := filepath.Glob(filepath.Join(etc, "sources.list.d", "*"))
	uri := regexp.MustCompile(`https?://[^\s\]]+`)
	for _, file := range append(files, filepath.Join(etc, "sources.list")) {
		if ext := filepath.Ext(file); ext != ".list" && ext != ".sources" {
			continue
		}
		text, _ := os.ReadFile(file)
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "#") {
				continue
			}
			for _, found := range uri.FindAllString(line, -1) {
				found = strings.TrimRight(found, "/")
				switch {
				case main == "" && strings.HasSuffix(found, "/debian"):
					main = found
				case security == "" && strings.HasSuffix(found, "/debian-security"):
					security = found
				}
			}
		}
	}
	if main == "" {
		main = "http://deb.debian.org/debian"
	}
	if security == "" {
		security = "http://deb.debian.org/debian-security"
	}
	return main, security
}

// aptOptions are the host's own settings about reaching mirrors, as lines of apt.conf.
func aptOptions(ctx context.Context) []string {
	text, err := tool(ctx, "", "apt-config", "dump", "Acquire")
	if err != nil {
		return nil
	}
	wanted := regexp.MustCompile(`(?i)^Acquire::(Check-Valid-Until|Check-Date|https?::(Proxy|CAInfo)\S*) "..*"`)
	var found []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); wanted.MatchString(line) {
			found = append(found, strings.TrimSuffix(line, ";"))
		}
	}
	for _, scheme := range []string{"http", "https"} {
		if proxy := os.Getenv(scheme + "_proxy"); proxy != "" {
			found = append(found, "Acquire::"+scheme+`::Proxy "`+proxy+`"`)
		}
	}
	return found
}
