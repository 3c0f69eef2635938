package manager

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/plan"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote/job"
)

// needs is what managed services lack before they can be started. It is asked for while
// the look goes on, before it is known which machines run: those that do answer at once,
// each to one command for all its services.
type needs struct {
	of       map[heartbeat.Key]*need
	machines map[place]*asked
}

// place is where a machine is.
type place struct {
	cluster string
	ip      netip.Addr
}

// need is what one service lacks.
type need struct {
	known []plan.Known
	at    *asked
}

// asked is what is asked of one machine.
type asked struct {
	host  job.Machine
	parts []provision.Part
	tell  []*plan.Known      // what becomes of each part
	give  context.CancelFunc // up
	over  sync.WaitGroup
}

// ask begins to look at what the covered services need, where they are to be started. A
// machine that somebody has declared to be off is left alone.
func (m *Manager) ask(ctx context.Context, c command.Command, chosen []chosen) needs {
	out := needs{map[heartbeat.Key]*need{}, map[place]*asked{}}
	if c.Action != "start" {
		return out
	}
	for _, ch := range chosen {
		for _, v := range ch.cluster.Services {
			if !ch.covers.Services[v.Target.Name] {
				continue
			}
			s := m.service(ch.cluster, v)
			n := &need{known: make([]plan.Known, len(s.Provisions)), at: out.at(place{ch.cluster.Name, v.IP}, s.Host)}
			for i, p := range s.Provisions {
				n.known[i].Verb = p.Verb
				n.at.parts, n.at.tell = append(n.at.parts, p.Part), append(n.at.tell, &n.known[i])
			}
			out.of[keyOf(ch.cluster, v)] = n
		}
	}
	for at, machine := range out.machines {
		if !m.declaredOff(at.cluster, at.ip) && len(machine.parts) > 0 {
			machine.look(ctx, m.cfg.Heartbeat.Deadline)
		}
	}
	return out
}

func (n needs) at(p place, host job.Machine) *asked {
	if n.machines[p] == nil {
		n.machines[p] = &asked{host: host, give: func() {}}
	}
	return n.machines[p]
}

// declaredOff tells whether the configuration says that the machine at ip is off on purpose.
func (m *Manager) declaredOff(cluster string, ip netip.Addr) bool {
	return slices.ContainsFunc(m.cfg.Cluster(cluster).Instances, func(i config.Instance) bool {
		return i.IP == ip && i.State == heartbeat.Stopped
	})
}

func (a *asked) look(ctx context.Context, deadline time.Duration) {
	ctx, a.give = context.WithTimeout(ctx, deadline)
	a.over.Go(func() {
		for n, f := range provision.Look(ctx, a.host, a.parts...) {
			k := a.tell[n]
			k.Done = f.Err == nil && f.Missing == ""
			if k.Reason = f.Missing; f.Err != nil {
				k.Reason = oneLine(f.Err)
			}
		}
	})
}

// end gives up what is still asked.
func (a *asked) end() {
	a.give()
	a.over.Wait()
}

// found completes wishes by what was found. Machines that do not run are not waited for.
func (n needs) found(wishes []*wish) {
	for _, w := range wishes {
		one := n.of[keyOf(w.cluster, w.service)]
		if w.err != nil || one == nil {
			continue
		}
		if w.asked() {
			one.at.over.Wait()
			w.wanted.Before = one.known
			continue
		}
		one.at.end()
		for _, k := range one.known {
			w.wanted.Before = append(w.wanted.Before, plan.Known{Verb: k.Verb})
		}
	}
}

// forget ends what is still asked.
func (n needs) forget() {
	for _, a := range n.machines {
		a.end()
	}
}
