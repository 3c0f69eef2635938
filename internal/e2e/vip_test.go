package e2e_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/internal/lab"
)

// vrrp is the configuration of one of a pair: its priority, its own address, the
// other's, the virtual one.
const vrrp = `global_defs {
	vrrp_version 3
}
vrrp_instance V1 {
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

// pair is keepalived on m4 and m5, of which m4 is preferred.
type pair struct {
	*site
	vip string
}

func newPair(t *testing.T, s *site) pair {
	t.Helper()
	four := s.HostIP().As4()
	four[3] = 200
	p := pair{s, netip.AddrFrom4(four).String()}
	for name, peer := range map[string]string{"m4": "m5", "m5": "m4"} {
		priority := map[string]int{"m4": 150, "m5": 100}[name]
		config := fmt.Sprintf(vrrp, priority, s.ip(name), s.ip(peer), p.vip)
		must(t, s.Machine(name).Write(t.Context(), "/etc/keepalived/keepalived.conf", 0o600, strings.NewReader(config)))
	}
	return p
}

// settle waits until exactly these machines have the address.
func (p pair) settle(t *testing.T, machines ...string) {
	t.Helper()
	want := strings.Join(machines, " ")
	eventually(t, "the address on "+want, func() bool {
		var has []string
		for _, name := range []string{"m4", "m5"} {
			if strings.Contains(p.on(t, name, "ip -o addr show"), " "+p.vip+"/") {
				has = append(has, name)
			}
		}
		return strings.Join(has, " ") == want
	})
}

// virtualAddress moves one between two machines, gives it to both, to none, and hides
// one of the two.
func virtualAddress(t *testing.T, s *site) {
	p := newPair(t, s)
	c := s.sample().only("m3", "m4", "m5")
	for _, n := range []string{"4", "5"} {
		c.Clusters["demo"].Services = append(c.Clusters["demo"].Services,
			service{Name: "lb" + n, Mode: "keepalived", Instance: "m" + n, VIP: p.vip})
	}
	m := newManager(t, c)
	p.start(t, "m4", "m5")
	p.settle(t, "m4")
	first := m.heartbeat(0)
	if e := first.service(t, "lb4"); e.Status != "master" || e.VIP != p.vip || e.HoldsVIP == nil || !*e.HoldsVIP {
		t.Errorf("lb4 is %+v", e)
	}
	if e := first.service(t, "lb5"); e.Status != "slave" || e.HoldsVIP == nil || *e.HoldsVIP {
		t.Errorf("lb5 is %+v", e)
	}
	if e := first.entry(t, "demo/vips/"+p.vip); e.State != "consistent" || e.Reason != "" {
		t.Errorf("the address is %+v", e)
	}
	wantEvents(t, m.heartbeat(0).Events)
	p.failOver(t, m)
	p.split(t, m)
	p.hide(t, m)
	p.stopBoth(t, m)
}

func (p pair) start(t *testing.T, machines ...string) {
	t.Helper()
	for _, name := range machines {
		p.on(t, name, "systemctl start keepalived")
	}
}

func (p pair) stop(t *testing.T, machines ...string) {
	t.Helper()
	for _, name := range machines {
		p.on(t, name, "systemctl stop keepalived")
	}
}

// failOver moves the address, which is as it should be.
func (p pair) failOver(t *testing.T, m *manager) {
	t.Helper()
	p.stop(t, "m4")
	p.settle(t, "m5")
	wantEvents(t, m.heartbeat(3).Events,
		"demo/services/lb4: running → Database communication failure", "demo/services/lb5: running → running, slave → master")
	p.start(t, "m4")
	p.settle(t, "m4")
	wantEvents(t, m.heartbeat(0).Events,
		"demo/services/lb4: Database communication failure → running", "demo/services/lb5: running → running, master → slave")
}

// split cuts the two from each other, so that both take the address.
func (p pair) split(t *testing.T, m *manager) {
	t.Helper()
	undo, err := p.Cut(t.Context(), lab.Cut{From: []string{"m4"}, To: []string{"m5"}})
	must(t, err)
	p.settle(t, "m4", "m5")
	both := m.heartbeat(3)
	wantEvents(t, both.Events, "demo/vips/"+p.vip+": consistent → vip-conflict", "demo/services/lb5: running → running, slave → master")
	if e := both.entry(t, "demo/vips/"+p.vip); e.Reason != "held by lb4, lb5" {
		t.Errorf("reason %q", e.Reason)
	}
	if table := m.run("-o", "table", "instances", "heartbeat").want(t, 3).stdout; !strings.Contains(table, "demo: "+p.vip+": vip-conflict: held by lb4, lb5") {
		t.Errorf("the table does not tell: %s", table)
	}
	must(t, undo(t.Context()))
	p.settle(t, "m4")
	wantEvents(t, m.heartbeat(0).Events, "demo/vips/"+p.vip+": vip-conflict → consistent", "demo/services/lb5: running → running, master → slave")
}

// hide cuts the one that holds the address from us alone: nothing is known of it then.
func (p pair) hide(t *testing.T, m *manager) {
	t.Helper()
	undo, err := p.Cut(t.Context(), lab.Cut{From: []string{"m4"}, To: []string{lab.Host}})
	must(t, err)
	p.settle(t, "m4")
	hidden := m.heartbeat(3)
	wantEvents(t, hidden.Events, "demo/instances/m4: running → unreachable",
		"demo/services/lb4: running → Remote manager communication failure", "demo/services/nosql4: running → Memcache communication failure")
	if e := hidden.entry(t, "demo/vips/"+p.vip); e.State != "consistent" {
		t.Errorf("the address is %+v", e)
	}
	must(t, undo(t.Context()))
	wantEvents(t, m.heartbeat(0).Events, "demo/instances/m4: unreachable → running",
		"demo/services/lb4: Remote manager communication failure → running", "demo/services/nosql4: Memcache communication failure → running")
}

// stopBoth leaves the address to nobody.
func (p pair) stopBoth(t *testing.T, m *manager) {
	t.Helper()
	p.stop(t, "m4", "m5")
	p.settle(t)
	nobody := m.heartbeat(3)
	wantEvents(t, nobody.Events, "demo/vips/"+p.vip+": consistent → vip-unheld",
		"demo/services/lb4: running → Database communication failure", "demo/services/lb5: running → Database communication failure")
	if e := nobody.entry(t, "demo/vips/"+p.vip); e.Reason != "held by none of lb4, lb5" && e.Reason != "held by none of lb5, lb4" {
		t.Errorf("reason %q", e.Reason)
	}
	wantEvents(t, m.heartbeat(3).Events)
}
