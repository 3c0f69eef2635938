package store

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

const (
	memcachedPort   = "11211"
	memcachedPrefix = "clmgr"
	longestPrefix   = 50
)

// memcachedAddress returns the server and the prefix of all item keys that are
// named by what follows "memcached:". Its errors do not repeat the URL, which
// may hold a password that somebody believed in.
func memcachedAddress(rest string) (address, prefix string, err error) {
	after, found := strings.CutPrefix(rest, "//")
	host, prefix, hasPrefix := strings.Cut(after, "/")
	switch {
	case !found || host == "":
		return "", "", errors.New("no server; write memcached://HOST:PORT or memcached://HOST:PORT/PREFIX")
	case strings.Contains(after, "@"):
		return "", "", errors.New("a memcached has no login; write memcached://HOST:PORT")
	case strings.ContainsAny(host, ", "):
		return "", "", errors.New("more than one memcached: clients spread documents over several by the order of the list, " +
			"and none keeps a copy of another's; name one")
	case !hasPrefix || prefix == "":
		prefix = memcachedPrefix
	}
	if len(prefix) > longestPrefix {
		return "", "", fmt.Errorf("the prefix has %d bytes, the limit is %d", len(prefix), longestPrefix)
	}
	for i := range len(prefix) {
		if !plainByte(prefix[i]) {
			return "", "", errors.New("the prefix may have letters, digits, \".\", \"-\" and \"_\" only")
		}
	}
	address, err = withPort(host)
	return address, prefix, err
}

// withPort returns HOST:PORT of a host that may go without.
func withPort(host string) (string, error) {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		// No port, or none that can be told from the rest of an IPv6 address.
		name, port = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), memcachedPort
		if strings.Contains(name, ":") && !strings.HasPrefix(host, "[") {
			return "", errors.New("an IPv6 address is written in brackets: memcached://[ADDRESS]:PORT")
		}
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
		return "", errors.New("the port is not a number from 1 to 65535")
	}
	if name == "" || strings.ContainsAny(name, "[]") {
		return "", errors.New("no host; write memcached://HOST:PORT")
	}
	return net.JoinHostPort(name, port), nil
}
