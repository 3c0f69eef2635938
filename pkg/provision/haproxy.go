package provision

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// HAProxy is an HAProxy that clmgr configures, as Debian's package runs it: it leads
// writes to the database that takes them, and reads to the others.
type HAProxy struct {
	Name string
	Unit string
	// Write and Read are where clients connect to, Page a page of statistics on the
	// loopback address.
	Write, Read, Page uint16
	Databases         []Backend
	// Template makes the configuration, after the line with its description; empty for clmgr's.
	Template string
}

// Backend is a database that an HAProxy leads to.
type Backend struct {
	Name string
	Addr netip.AddrPort
	// Health is where it tells whether it takes writes or reads: see Health.
	Health uint16
	// Master says that it takes the writes by the configuration. Another one gets them
	// only while this one does not take them, and this one reads only while no other does.
	Master bool
}

const (
	haproxyConf   = "/etc/haproxy/haproxy.cfg"
	haproxyUnit   = "haproxy"
	haproxySocket = "/run/haproxy/admin.sock"
	// haproxyTag begins the description by which a running HAProxy tells what it has read.
	haproxyTag = "clmgr-"
	alivePath  = "/alive"
)

// haproxyRunning is the description that the HAProxy that runs has read. Perl is part of
// every Debian, and a client for its socket is not. Loading IO::Socket takes Perl longer than
// all the rest, so the socket is opened with Linux's own numbers: AF_UNIX and SOCK_STREAM
// are 1.
var haproxyRunning = told{
	unit: haproxyUnit, socket: haproxySocket, request: "show info", begin: "description: ",
	script: `perl -e 'alarm 3; socket(S, 1, 1, 0) && connect(S, pack("S a108", 1, "` + haproxySocket + `")) or exit 0; syswrite(S, "show info\n"); while (<S>) { print $1 if /^description: (\S+)/ }'`,
}

// haproxyTake reloads, and waits until the one that answers is the new one: one that
// cannot have its ports leaves the old one at work.
const haproxyTake = `systemctl reload $unit || return 1
	for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		if [ "$(running)" = "$want" ]; then return 0; fi
		sleep 0.25
	done
	return 1`

func (h HAProxy) what() string                    { return h.served().what() }
func (h HAProxy) question() (question, error)     { return h.served().question() }
func (h HAProxy) missing(r reply) (string, error) { return h.served().missing(r) }

// Install writes the configuration where it differs, which HAProxy itself checks first. One
// that runs reloads it without losing a connection; where it does not take it, the old one
// comes back.
func (h HAProxy) Install(ctx context.Context, m job.Machine) (changed bool, err error) {
	return h.served().install(ctx, m)
}

func (h HAProxy) served() served {
	return served{
		name: h.Name, unit: haproxyUnit, path: haproxyConf, check: `haproxy -c -q -f "$new"`,
		running: &haproxyRunning, loaded: haproxyLoaded, take: haproxyTake,
		render: func(string) (string, error) {
			if err := onlyUnit(h.Unit, haproxyUnit, "one haproxy"); err != nil {
				return "", err
			}
			if len(h.Databases) == 0 {
				return "", errors.New("its cluster has no managed database to lead to")
			}
			return h.conf()
		},
	}
}

// haproxyLoaded is the description in a configuration.
func haproxyLoaded(text string) string {
	_, rest, _ := strings.Cut(text, "description ")
	tag, _, _ := strings.Cut(rest, "\n")
	return tag
}

// conf is the file. Its description is made from all the rest.
func (h HAProxy) conf() (string, error) {
	rest, err := renderConf(h.Template, haproxyTemplate, h.values(), h.needs())
	if err != nil {
		return "", err
	}
	if ownDescription.MatchString(rest) {
		return "", errors.New("its template gives a description, which is clmgr's to tell what a running haproxy has read")
	}
	return confHead(h.Name) + fmt.Sprintf("global\n\tdescription %s%s\n", haproxyTag, sum(rest)[:16]) + rest, nil
}

var ownDescription = regexp.MustCompile(`(?m)^[ \t]*description\b`)

// values are what the template may name.
func (h HAProxy) values() map[string]any {
	var databases []any
	for _, d := range h.Databases {
		databases = append(databases, map[string]any{
			"name": d.Name, "addr": d.Addr.String(), "ip": d.Addr.Addr().String(), "port": int(d.Addr.Port()), "health": int(d.Health),
			"master": d.Master, "alone": len(h.Databases) == 1,
		})
	}
	return map[string]any{
		"name": h.Name, "write": int(h.Write), "read": int(h.Read), "page": int(h.Page), "alive": alivePath, "databases": databases,
	}
}

// needs are what clmgr asks a running HAProxy by, and what its clients and keepalived do.
func (h HAProxy) needs() []needed {
	bind := func(port uint16, what string) needed {
		return needed{fmt.Sprintf(`bind[ \t]+\S*:%d\b.*`, port), fmt.Sprintf("a line that binds port %d, for %s", port, what)}
	}
	return []needed{
		{`stats[ \t]+socket[ \t]+` + regexp.QuoteMeta(haproxySocket) + `\b.*`, "stats socket " + haproxySocket + ", by which clmgr asks what it has read"},
		{`monitor-uri[ \t]+` + alivePath, "monitor-uri " + alivePath + ", by which keepalived asks whether it answers"},
		bind(h.Page, "its page"), bind(h.Write, "writes"), bind(h.Read, "reads"),
	}
}
