package actions

import (
	"net/netip"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// target is what an action is done to.
type target struct {
	cluster string
	wide    bool   // everything in the cluster
	service string // one service; empty for a machine with all that is on it
	machine string // its ip where known, else what names it
	ip      netip.Addr
	id      string // the machine's id and name, where known
	name    string
}

// target finds out what a is done to, as far as the status and its trigger tell.
func (x *index) target(a *Action) target {
	t := target{cluster: a.Cluster}
	group := a.about()
	if group == command.All || group == "" || group == a.Cluster {
		t.wide = true
		return t
	}
	m := x.machine(a.Cluster, group)
	if (a.Do.Level == string(heartbeat.Services) || a.Do.Level == Scripts) && m == nil {
		t.service = group
		if v := x.service(a.Cluster, group); v != nil {
			t.ip = v.IP
		}
	}
	switch ip, err := netip.ParseAddr(group); {
	case err == nil:
		t.service, t.ip = "", ip
	case m != nil && m.IP.IsValid():
		t.ip = m.IP
	case !t.ip.IsValid() && a.When.Kind == heartbeat.Instances:
		t.ip = a.When.IP
	}
	if ip, err := netip.ParseAddr(a.Require[RequireAboutIP]); err == nil && !t.ip.IsValid() {
		t.ip = ip
	}
	if m == nil && t.ip.IsValid() {
		m = x.at(a.Cluster, t.ip)
	}
	if m != nil {
		t.id, t.name = m.ID, m.Name
	}
	t.machine = group
	if t.ip.IsValid() {
		t.machine = t.ip.String()
	}
	return t
}

// HeldBy returns the hold that keeps a from being started at now, if any does.
func (q *Queue) HeldBy(a Action, s heartbeat.Status, now time.Time) (Hold, bool) {
	x, holds := newIndex(s), q.holdsAt(now)
	if h := x.held(holds, x.machinesOf(holds), x.target(&a)); h != nil {
		return *h, true
	}
	return Hold{}, false
}

// held returns the hold that keeps the target from being touched, nil for none.
// What covers more than is held is held too.
func (x *index) held(h holdsOf, machines map[place]*Hold, t target) *Hold {
	if len(h.of) == 0 {
		return nil
	}
	if t.wide {
		if f := h.clusters[t.cluster]; f != nil {
			return f
		}
		return h.clusters[""]
	}
	for _, cluster := range []string{t.cluster, ""} {
		for _, group := range []string{command.All, t.cluster, t.service, t.machine, t.id, t.name} {
			if f := h.of[holdKey{cluster, group}]; f != nil && group != "" {
				return f
			}
		}
	}
	if t.service == "" {
		return machines[place{t.cluster, t.ip}]
	}
	return nil
}

// machinesOf returns the machines on which a held service is.
func (x *index) machinesOf(h holdsOf) map[place]*Hold {
	if len(h.of) == 0 {
		return nil
	}
	out := make(map[place]*Hold)
	for n := range x.status.Services {
		v := &x.status.Services[n]
		for _, cluster := range []string{v.Cluster, ""} {
			if f := h.of[holdKey{cluster, v.Name}]; f != nil {
				out[place{v.Cluster, v.IP}] = f
			}
		}
	}
	return out
}
