package config

import (
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// textFault says what is wrong with a text of the given check, "" for nothing.
func textFault(check, s string) string {
	switch check {
	case "name":
		return nameFault(s)
	case "regexp":
		if _, err := regexp.Compile(s); err != nil {
			return "the regular expression does not compile: " + strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		}
	case "word":
		if strings.ContainsFunc(s, notInWord) {
			return "spaces and control characters are not allowed in " + quoted(s)
		}
	case "method":
		if s == "" || strings.ContainsFunc(s, func(c rune) bool { return c < 'A' || c > 'Z' }) {
			return quoted(s) + " is not an HTTP method such as GET"
		}
	case "urlpath", "socket", "logfile", "path", "path-or-none":
		return pathFault(check, s)
	case "store":
		return storeFault(s)
	case "unit":
		return unitFault(s)
	case "account":
		if !accountPattern.MatchString(s) {
			return quoted(s) + " is not the name of a database account: letters, digits and _, 32 at most"
		}
	case "package":
		if !packagePattern.MatchString(s) {
			return quoted(s) + " is not a package such as mariadb-server, mariadb-server=1:10.11.6-0 or mariadb-server=1:10.11.*"
		}
	case "command":
		if strings.TrimSpace(s) == "" {
			return "the command is empty"
		}
	case "machinepath", "filemode", "owner", "sha256", "download", "setting":
		return installFault(check, s)
	case "bastion":
		return bastionFault(s)
	case "listen":
		if _, err := netip.ParseAddrPort(s); s != "" && err != nil {
			return quoted(s) + " is not an address to listen at, such as 127.0.0.1:9203"
		}
	case "pattern":
		return patternFault(s)
	case "template":
		return templateFault(s)
	case "labelpattern":
		if name, _, ok := strings.Cut(s, "="); !ok || name == "" {
			return quoted(s) + " is not a label as in NAME=PATTERN"
		}
	}
	return watchFault(check, s)
}

// pathFault says what is wrong with a path.
func pathFault(check, s string) string {
	absolute := strings.HasPrefix(s, "/")
	switch check {
	case "urlpath":
		if !absolute || strings.ContainsFunc(s, notInWord) {
			return quoted(s) + " is not the path of a URL; it begins with / and has no spaces"
		}
	case "socket":
		if !absolute {
			return quoted(s) + " is not the path of a socket on the service's machine; it begins with /"
		}
	case "logfile":
		if !absolute || strings.HasSuffix(s, "/") || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			return quoted(s) + " is not the path of a file on the machine; it begins with /"
		}
	default:
		if s == "" {
			return "the path is empty"
		}
	}
	return ""
}

// packagePattern is a package's name, with the version after "=" if it is pinned, as
// apt and dnf have them; a "*" at its end stands for any end.
var packagePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+_-]*(=[A-Za-z0-9][A-Za-z0-9.+~:_-]*\*?)?$`)

var accountPattern = regexp.MustCompile(`^[A-Za-z0-9_]{1,32}$`)

func notInWord(c rune) bool { return c <= ' ' || c == 0x7f }

// longestName is the length of a host name's label.
const longestName = 63

// nameFault says what is wrong with a name. Names go into commands, paths, unit
// names and store keys, hence so few characters.
func nameFault(s string) string {
	switch {
	case s == "":
		return "the name is empty"
	case len(s) > longestName:
		return "the name " + quoted(s) + " is longer than " + strconv.Itoa(longestName) + " characters"
	case !alphanumeric(rune(s[0])):
		return "the name " + quoted(s) + " must begin with a letter or digit"
	}
	for _, c := range s {
		if !alphanumeric(c) && !strings.ContainsRune("._-", c) {
			return "the name " + quoted(s) + " has a character other than letters, digits, . _ and -"
		}
	}
	return ""
}

func alphanumeric(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// storeFault never shows the text: a store's URL may hold a password.
func storeFault(s string) string {
	scheme, rest, found := strings.Cut(s, ":")
	if !found || scheme == "" || rest == "" || strings.ContainsFunc(s, notInWord) ||
		strings.ContainsFunc(scheme, func(c rune) bool { return c < 'a' || c > 'z' }) {
		return "the store is not a URL such as file:/var/lib/clmgr/store"
	}
	if scheme == memcached && !isMemcached(rest) {
		return "the store is not a URL such as memcached://10.0.0.1:11211 or memcached://10.0.0.1:11211/prefix"
	}
	return ""
}

// memcached is the scheme of a store that everybody who reaches it can write to.
const memcached = "memcached"

// isMemcached checks //HOST:PORT[/PREFIX].
func isMemcached(s string) bool {
	rest, ok := strings.CutPrefix(s, "//")
	if !ok || strings.ContainsAny(rest, "@?#") {
		return false
	}
	address, _, _ := strings.Cut(rest, "/")
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// longestUnit is the length of the longest name that systemd takes.
const longestUnit = 255

// unitFault says what is wrong with the name of a systemd unit.
func unitFault(s string) string {
	switch {
	case s == "":
		return "the name of the unit is empty"
	case len(s) > longestUnit:
		return "the name of the unit is longer than " + strconv.Itoa(longestUnit) + " characters"
	case s[0] == '-' || strings.ContainsFunc(s, func(c rune) bool { return !alphanumeric(c) && !strings.ContainsRune(":-_.\\@", c) }):
		return quoted(s) + " is not the name of a systemd unit such as mariadb.service"
	}
	return ""
}

// bastionFault checks [user@]host[:port].
func bastionFault(s string) string {
	if s == "" {
		return "" // none: a cluster may need no bastion where the others do
	}
	rest := s
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		if i == 0 {
			return quoted(s) + " has no user before the @"
		}
		rest = s[i+1:]
	}
	host := rest
	if h, port, err := net.SplitHostPort(rest); err == nil {
		host = h
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return quoted(s) + " has no port number from 1 to 65535 after the colon"
		}
	}
	if host == "" || strings.HasPrefix(s, "-") || strings.HasPrefix(host, "-") || strings.ContainsFunc(s, notInWord) {
		return quoted(s) + " is not a bastion as in user@host:22"
	}
	return ""
}
