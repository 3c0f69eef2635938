package provision

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

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

// Missing says in one line what differs on the machine; empty for nothing.
func (k Keepalived) Missing(ctx context.Context, m job.Machine) (string, error) {
	return k.served().missingLine(ctx, m)
}

// Install writes the configuration where it differs, which keepalived itself checks first.
// One that runs reads it again and keeps its address.
func (k Keepalived) Install(ctx context.Context, m job.Machine) (changed bool, err error) {
	return k.served().install(ctx, m)
}

func (k Keepalived) served() served {
	s := served{
		name: k.Name, unit: keepalivedUnit, path: keepalivedConf, check: keepalivedCheck,
		facts: "ip -o addr show to " + k.Addr.String() + " | awk '{print $2; exit}'",
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
			return k.conf(facts), nil
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
func (k Keepalived) conf(device string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Written by clmgr for the service %s; clmgr services install writes it again.
global_defs {
	vrrp_version 3
	enable_script_security
	script_user nobody
}
`, k.Name)
	if k.Page != 0 {
		fmt.Fprintf(&b, "vrrp_script alive {\n\tscript %q\n\tinterval 1\n\ttimeout 3\n\tfall 2\n\trise 2\n}\n", keepalivedAlive)
	}
	fmt.Fprintf(&b, "vrrp_instance clmgr {\n\tinterface %s\n\tstate BACKUP\n\tnopreempt\n\tvirtual_router_id %d\n\tpriority %d\n\tadvert_int 0.5\n",
		device, k.RouterID, k.Priority)
	if len(k.Peers) > 0 {
		fmt.Fprintf(&b, "\tunicast_src_ip %s\n\tunicast_peer {\n", k.Addr)
		for _, p := range k.Peers {
			fmt.Fprintf(&b, "\t\t%s\n", p)
		}
		b.WriteString("\t}\n")
	}
	fmt.Fprintf(&b, "\tvirtual_ipaddress {\n\t\t%s/%d\n\t}\n", k.VIP, k.VIP.BitLen())
	if k.Page != 0 {
		b.WriteString("\ttrack_script {\n\t\talive\n\t}\n")
	}
	b.WriteString("}\n")
	return b.String()
}
