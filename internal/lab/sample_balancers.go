package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// haproxySettings lead writes to the primary and reads to both databases. The checks
// speak MySQL: bare connects would make the servers refuse the balancer in the end.
const haproxySettings = `global
	user haproxy
	group haproxy
	stats socket /run/haproxy/admin.sock mode 660 level admin

defaults
	mode tcp
	timeout connect 1s
	timeout client 30s
	timeout server 30s
	option mysql-check user haproxy
	default-server check inter 500ms fall 2 rise 1

listen writes
	bind :3307
	server m1 %[1]s:3306

listen reads
	bind :3308
	balance leastconn
	server m1 %[1]s:3306
	server m2 %[2]s:3306
`

// keepalivedSettings are one half of the pair that guards the virtual address.
const keepalivedSettings = `global_defs {
	vrrp_version 3
}
vrrp_instance sample {
	interface eth0
	state BACKUP
	virtual_router_id 51
	priority %d
	advert_int 0.2
	unicast_src_ip %s
	unicast_peer {
		%s
	}
	virtual_ipaddress {
		%s/24
	}
}
`

// VIP is the virtual address of the sample's balancers.
func (l *Lab) VIP() netip.Addr { return l.address(100) }

// SetupBalancers adds HAProxy and keepalived on m1 and m3 to a lab that SetupSample has
// set up, and waits until one of them holds the virtual address.
func (l *Lab) SetupBalancers(ctx context.Context) error {
	m1, m2, m3 := l.Machine("m1"), l.Machine("m2"), l.Machine("m3")
	g, gctx := errgroup.WithContext(ctx)
	for _, m := range []*Machine{m1, m2} {
		g.Go(func() error {
			_, err := sql(gctx, m, "SET sql_log_bin = 0; CREATE USER IF NOT EXISTS haproxy@'10.213.%';")
			return err
		})
	}
	for n, m := range []*Machine{m1, m3} {
		peer := []*Machine{m3, m1}[n]
		g.Go(func() error {
			return errors.Join(
				serve(gctx, m, "haproxy", "/etc/haproxy/haproxy.cfg", fmt.Sprintf(haproxySettings, m1.IP(), m2.IP())),
				serve(gctx, m, "keepalived", "/etc/keepalived/keepalived.conf",
					fmt.Sprintf(keepalivedSettings, 150-50*n, m.IP(), peer.IP(), l.VIP())))
		})
	}
	err := g.Wait()
	if err == nil {
		err = poll(ctx, 20*time.Second, func() bool {
			out, _, _ := m1.Run(ctx, "ip -o addr show to "+l.VIP().String(), nil)
			return len(out) > 0
		})
	}
	if err != nil {
		return fmt.Errorf("cannot set the balancers up: %w", err)
	}
	return nil
}

// serve writes a service's configuration and starts it, now and at every boot.
func serve(ctx context.Context, m *Machine, service, file, settings string) error {
	if err := m.Write(ctx, file, 0o644, strings.NewReader(settings)); err != nil {
		return err
	}
	_, _, err := m.Run(ctx, "systemctl enable --quiet "+service+" && systemctl restart "+service, nil)
	return err
}
