package remote

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
)

// jump is one bastion as it is written: [user@]host[:port]. Empty parts are
// looked up.
type jump struct {
	user string
	host string // a name, an ssh_config alias or an ip without brackets
	port uint16
}

// String writes it as it is read.
func (j jump) String() string {
	s := j.host
	if strings.Contains(s, ":") {
		s = "[" + s + "]"
	}
	if j.port != 0 {
		s += ":" + strconv.Itoa(int(j.port))
	}
	if j.user != "" {
		s = j.user + "@" + s
	}
	return s
}

// parseJumps reads a bastion or a chain of them with commas, outermost first, in
// the form of OpenSSH's ProxyJump. "" and "none" are no bastion.
func parseJumps(s string) ([]jump, error) {
	s = strings.TrimSpace(s)
	if s == "" || strings.EqualFold(s, "none") {
		return nil, nil
	}
	var jumps []jump
	for part := range strings.SplitSeq(s, ",") {
		j, err := parseJump(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("cannot read bastion %q: %w", part, err)
		}
		jumps = append(jumps, j)
	}
	return jumps, nil
}

func parseJump(s string) (jump, error) {
	var j jump
	s = strings.TrimPrefix(s, "ssh://")
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		if i == 0 {
			return jump{}, errors.New("nothing stands before the @")
		}
		j.user, s = s[:i], s[i+1:]
	}
	host, port, err := splitPort(s)
	if err != nil {
		return jump{}, err
	}
	j.host, j.port = host, port
	if err := checkWord("host", j.host); err != nil {
		return jump{}, err
	}
	if j.user != "" {
		if err := checkWord("user", j.user); err != nil {
			return jump{}, err
		}
	}
	return j, nil
}

// splitPort splits host[:port]; an IPv6 address may stand alone or in brackets.
func splitPort(s string) (host string, port uint16, err error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.String(), 0, nil
	}
	var digits string
	if rest, ok := strings.CutPrefix(s, "["); ok {
		inside, after, closed := strings.Cut(rest, "]")
		if !closed {
			return "", 0, errors.New("a [ is not closed")
		}
		if _, err := netip.ParseAddr(inside); err != nil {
			return "", 0, fmt.Errorf("%q in brackets is no ip", inside)
		}
		if after == "" {
			return inside, 0, nil
		}
		host, digits = inside, strings.TrimPrefix(after, ":")
		if digits == after {
			return "", 0, fmt.Errorf("%q follows the ]", after)
		}
	} else {
		var found bool
		host, digits, found = strings.Cut(s, ":")
		if !found {
			return host, 0, nil
		}
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("%q is no port", digits)
	}
	return host, uint16(n), nil
}

// checkWord refuses what could not be a name and might be something else in a
// log line or to a program.
func checkWord(what, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("the %s is empty", what)
	case s[0] == '-':
		return fmt.Errorf("the %s begins with -", what)
	case strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune(`"'\,@[]/`, r)
	}):
		return fmt.Errorf("the %s holds a character that cannot be", what)
	}
	return nil
}
