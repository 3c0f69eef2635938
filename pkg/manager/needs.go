package manager

import (
	"context"
	"sync"

	"github.com/clmgr/clmgr/pkg/actions/handlers"
	"github.com/clmgr/clmgr/pkg/command"
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

// ask begins to look at what the covered services need, where they are to be started.
func (m *Manager) ask(ctx context.Context, c command.Command, chosen []chosen) needs {
	out := needs{}
	if c.Action != "start" {
		return out
	}
	for _, ch := range chosen {
		for _, v := range ch.cluster.Services {
			if ch.covers.Services[v.Target.Name] {
				out[keyOf(ch.cluster, v)] = m.need(ctx, m.service(ch.cluster, v).Provisions)
			}
		}
	}
	return out
}

func (m *Manager) need(ctx context.Context, list []handlers.Provision) *need {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Heartbeat.Deadline)
	n := &need{known: make([]plan.Known, len(list)), give: cancel}
	for i, p := range list {
		k := &n.known[i]
		k.Verb = p.Verb
		n.over.Go(func() {
			missing, err := p.Missing(ctx)
			k.Done = err == nil && missing == ""
			if k.Reason = missing; err != nil {
				k.Reason = oneLine(err)
			}
		})
	}
	return n
}

// found completes wishes by what was found. Machines that do not run are not waited for.
func (n needs) found(wishes []*wish) {
	for _, w := range wishes {
		one := n[keyOf(w.cluster, w.service)]
		if w.err != nil || one == nil {
			continue
		}
		if machine := w.wanted.Machine; machine.State == heartbeat.Running && !machine.Stale {
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
