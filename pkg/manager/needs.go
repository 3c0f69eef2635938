package manager

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/actions/handlers"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/plan"
)

// needs is what managed services lack before they can be started. It is asked for while
// the look goes on, before it is known which machines run: those that do answer at once.
type needs map[heartbeat.Key]*need

// need is what one service lacks.
type need struct {
	known []plan.Known
	give  context.CancelFunc // up
	over  sync.WaitGroup
}

// ask begins to look at what the covered services need, where they are to be started. A
// machine that somebody has declared to be off is left alone.
func (m *Manager) ask(ctx context.Context, c command.Command, chosen []chosen) needs {
	out := needs{}
	if c.Action != "start" {
		return out
	}
	for _, ch := range chosen {
		for _, v := range ch.cluster.Services {
			if !ch.covers.Services[v.Target.Name] {
				continue
			}
			list := m.service(ch.cluster, v).Provisions
			n := &need{known: make([]plan.Known, len(list)), give: func() {}}
			for i, p := range list {
				n.known[i].Verb = p.Verb
			}
			out[keyOf(ch.cluster, v)] = n
			if !m.declaredOff(ch.cluster.Name, v.IP) {
				n.look(ctx, m.cfg.Heartbeat.Deadline, list)
			}
		}
	}
	return out
}

// declaredOff tells whether the configuration says that the machine at ip is off on purpose.
func (m *Manager) declaredOff(cluster string, ip netip.Addr) bool {
	return slices.ContainsFunc(m.cfg.Cluster(cluster).Instances, func(i config.Instance) bool {
		return i.IP == ip && i.State == heartbeat.Stopped
	})
}

func (n *need) look(ctx context.Context, deadline time.Duration, list []handlers.Provision) {
	ctx, n.give = context.WithTimeout(ctx, deadline)
	for i, p := range list {
		k := &n.known[i]
		n.over.Go(func() {
			missing, err := p.Missing(ctx)
			k.Done = err == nil && missing == ""
			if k.Reason = missing; err != nil {
				k.Reason = oneLine(err)
			}
		})
	}
}

// found completes wishes by what was found. Machines that do not run are not waited for.
func (n needs) found(wishes []*wish) {
	for _, w := range wishes {
		one := n[keyOf(w.cluster, w.service)]
		if w.err != nil || one == nil {
			continue
		}
		if w.asked() {
			one.over.Wait()
			w.wanted.Before = one.known
			continue
		}
		one.give()
		one.over.Wait()
		for _, k := range one.known {
			w.wanted.Before = append(w.wanted.Before, plan.Known{Verb: k.Verb})
		}
	}
}

// forget ends what is still asked.
func (n needs) forget() {
	for _, one := range n {
		one.give()
		one.over.Wait()
	}
}
