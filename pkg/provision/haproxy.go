package provision

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
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
	haproxyConf = "/etc/haproxy/haproxy.cfg"
	haproxyUnit = "haproxy"
	// haproxyTag begins the description by which a running HAProxy tells what it has read.
	haproxyTag = "clmgr-"
	alivePath  = "/alive"
)

// haproxyRunning asks the HAProxy that runs for its description. Perl is part of every
// Debian, and a client for its socket is not.
const haproxyRunning = `perl -MIO::Socket::UNIX -e 'alarm 3; my $s = IO::Socket::UNIX->new("/run/haproxy/admin.sock") or exit 0; print $s "show info\n"; while (<$s>) { print $1 if /^description: (\S+)/ }'`

// haproxyTake reloads, and waits until the one that answers is the new one: one that
// cannot have its ports leaves the old one at work.
const haproxyTake = `systemctl reload $unit || return 1
	for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		if [ "$(running)" = "$want" ]; then return 0; fi
		sleep 0.25
	done
	return 1`

// Missing says in one line what differs on the machine; empty for nothing.
func (h HAProxy) Missing(ctx context.Context, m job.Machine) (string, error) {
	return h.served().missingLine(ctx, m)
}

// Install writes the configuration where it differs, which HAProxy itself checks first. One
// that runs reloads it without losing a connection; where it does not take it, the old one
// comes back.
func (h HAProxy) Install(ctx context.Context, m job.Machine) (changed bool, err error) {
	return h.served().install(ctx, m)
}

func (h HAProxy) served() served {
	return served{
		name: h.Name, unit: haproxyUnit, path: haproxyConf, facts: "true", check: `haproxy -c -q -f "$new"`,
		running: haproxyRunning, loaded: haproxyLoaded, take: haproxyTake,
		render: func(string) (string, error) {
			if err := onlyUnit(h.Unit, haproxyUnit, "one haproxy"); err != nil {
				return "", err
			}
			if len(h.Databases) == 0 {
				return "", errors.New("its cluster has no managed database to lead to")
			}
			return h.conf(), nil
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
func (h HAProxy) conf() string {
	const begin = "# Written by clmgr for the service %s; clmgr services install writes it again.\nglobal\n\tdescription %s%s\n"
	rest := h.settings()
	return fmt.Sprintf(begin, h.Name, haproxyTag, sum(rest)[:16]) + rest
}

func (h HAProxy) settings() string {
	var b strings.Builder
	fmt.Fprintf(&b, `	log /dev/log local0 notice
	user haproxy
	group haproxy
	stats socket /run/haproxy/admin.sock mode 660 level admin

defaults
	log global
	mode tcp
	option dontlognull
	option redispatch 1
	option clitcpka
	option srvtcpka
	retries 3
	timeout connect 1s
	timeout check 2s
	timeout client 8h
	timeout server 8h
	default-server inter 1s fall 2 rise 2 on-marked-down shutdown-sessions

frontend page
	bind 127.0.0.1:%d
	mode http
	timeout client 10s
	monitor-uri %s
	stats enable
	stats uri /

`, h.Page, alivePath)
	for _, side := range []struct {
		name    string
		port    uint16
		backups bool // those with the role master
	}{{"writes", h.Write, false}, {"reads", h.Read, true}} {
		// 404 is for one that is about to stop: no new connections, and the old ones go on.
		fmt.Fprintf(&b, "listen %[1]s\n\tbind :%[2]d\n\tbalance leastconn\n\toption httpchk GET /%[3]s\n\thttp-check disable-on-404\n",
			side.name, side.port, strings.TrimSuffix(side.name, "s"))
		alone := len(h.Databases) == 1
		for _, d := range h.Databases {
			backup := ""
			if d.Master == side.backups && !alone {
				backup = " backup"
			}
			fmt.Fprintf(&b, "\tserver %s %s check port %d%s\n", d.Name, d.Addr, d.Health, backup)
		}
		b.WriteString("\n")
	}
	return b.String()
}
