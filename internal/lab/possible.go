package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// tools names the programs a lab needs and the Debian package of each.
func tools() [][2]string {
	return [][2]string{
		{"systemd-nspawn", "systemd-container"},
		{"mmdebstrap", "mmdebstrap"},
		{"ip", "iproute2"},
		{"nft", "nftables"},
		{"nsenter", "util-linux"},
		{"mount", "mount"},
	}
}

// Possible tells in one sentence why this host cannot run a lab, or nil.
func Possible() error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("a lab needs Linux (Debian or Ubuntu); this is %s", runtime.GOOS)
	}
	if !debianLike() {
		return errors.New("a lab needs a Debian or Ubuntu host: it builds its machines with mmdebstrap and apt")
	}
	if os.Geteuid() != 0 {
		return errors.New("a lab needs root: it makes machines, bridges and packet filters (try sudo)")
	}
	var missing, packages []string
	for _, t := range tools() {
		if _, err := exec.LookPath(t[0]); err != nil {
			missing, packages = append(missing, t[0]), append(packages, t[1])
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("a lab needs %s: apt-get install -y %s",
			strings.Join(missing, ", "), strings.Join(packages, " "))
	}
	if err := groupsWork(); err != nil {
		return fmt.Errorf("a lab needs control groups (version 2) that it can make and kill: %w", err)
	}
	return nil
}

func debianLike() bool {
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"`)
		if (key == "ID" || key == "ID_LIKE") && (strings.Contains(value, "debian") || strings.Contains(value, "ubuntu")) {
			return true
		}
	}
	return false
}
