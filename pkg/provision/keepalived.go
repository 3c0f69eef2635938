package provision

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Keepalived is a keepalived that clmgr configures, as Debian's package runs it: it gives
// its machine a virtual address while it is the first of its group that can serve.
type Keepalived struct {
	Name string
	Unit string
	Addr netip.Addr // of its machine
	VIP  netip.Addr
	// RouterID tells groups in one network apart; 1 to 255.
	RouterID int
	// Priority is higher for who shall have the address where nobody has it; 1 to 254.
	Priority int
	Peers    []netip.Addr // the machines of the others
	// Page is that of the HAProxy on the machine, without which it must not have the
	// address; 0 where there is none.
	Page uint16
	// Template makes the configuration; empty for clmgr's.
	Template string
}

const (
	keepalivedConf  = "/etc/keepalived/keepalived.conf"
	keepalivedUnit  = "keepalived"
	keepalivedAlive = "/etc/keepalived/clmgr-alive"
)

// keepalivedCheck has keepalived check the file $new. Version 2.2.7, which Debian 12 has,
// ends by SIGTERM where all is well and there is a script:
// https://github.com/acassen/keepalived/issues/2587
const keepalivedCheck = `{ out=$(keepalived -t -f "$new" 2>&1); code=$?; out=$(echo "$out" | grep -vx Terminated); echo "$out"; [ $code = 0 ] || [ "$code$out" = 143 ]; }`

func (k Keepalived) what() string                    { return k.served().what() }
func (k Keepalived) question() (question, error)     { return k.served().question() }
func (k Keepalived) missing(r reply) (string, error) { return k.served().missing(r) }

// Install writes the configuration where it differs, which keepalived itself checks first.
// One that runs reads it again and keeps its address.
func (k Keepalived) Install(ctx context.Context, m job.Machine) (changed bool, err error) {
	return k.served().install(ctx, m)
}

func (k Keepalived) served() served {
	s := served{
		name: k.Name, unit: keepalivedUnit, path: keepalivedConf, check: keepalivedCheck,
		facts: "read -r _ device _ <<ADDR\n$(ip -o addr show to " + k.Addr.String() + ")\nADDR\necho facts $device",
		take:  "systemctl reload $unit && sleep 1 && systemctl is-active --quiet $unit",
		render: func(facts string) (string, error) {
			if err := onlyUnit(k.Unit, keepalivedUnit, "one keepalived"); err != nil {
				return "", err
			}
			if !k.VIP.IsValid() {
				return "", fmt.Errorf("it has no vip to guard")
			}
			if facts == "" {
				return "", fmt.Errorf("no interface of its machine has the address %s", k.Addr)
			}
			return k.conf(facts)
		},
	}
	if k.Page != 0 {
		s.extra = []file{{keepalivedAlive, "0755", k.alive()}}
	}
	return s
}

// alive is a script that tells whether the HAProxy of the machine answers.
func (k Keepalived) alive() string {
	return fmt.Sprintf(`#!/bin/sh
# Written by clmgr for the service %s: does the haproxy of this machine answer?
exec perl -MIO::Socket::INET -e '
	alarm 2;
	my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:%d") or exit 1;
	print $s "GET %s HTTP/1.0\r\n\r\n";
	exit !(<$s> =~ / 200 /);'
`, k.Name, k.Page, alivePath)
}

// conf is the file, for a machine whose address is on the interface. Who has the address
// keeps it while it can serve: each move cuts clients off. The peers talk to one
// another directly, by VRRP version 3 (RFC 9568), since clouds carry no multicast.
func (k Keepalived) conf(device string) (string, error) {
	var peers []any
	for _, p := range k.Peers {
		peers = append(peers, p.String())
	}
	alive := ""
	needs := []needed{{`(virtual_ipaddress[ \t]*\{[ \t]*)?` + regexp.QuoteMeta(k.VIP.String()) + `(/\d+)?([ \t].*)?`, "the line " + k.VIP.String() + " of its virtual_ipaddress"}}
	if k.Page != 0 {
		alive = keepalivedAlive
		needs = append(needs, needed{`script[ \t]+"?` + regexp.QuoteMeta(alive) + `"?`, "the script " + alive + ", which asks the haproxy of its machine"},
			needed{`track_script\b.*`, "track_script, without which it would not heed that"})
	}
	text, err := renderConf(k.Template, keepalivedTemplate, map[string]any{
		"name": k.Name, "interface": device, "router_id": k.RouterID, "priority": k.Priority, "ip": k.Addr.String(), "peers": peers,
		"vip": k.VIP.String(), "vip_bits": k.VIP.BitLen(), "alive": alive,
	}, needs)
	if err != nil {
		return "", err
	}
	return confHead(k.Name) + text, nil
}
