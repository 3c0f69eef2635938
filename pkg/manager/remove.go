package manager

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/clmgr/clmgr/pkg/actions/handlers"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote/job"
)

// remover is something that can be taken off a machine.
type remover interface {
	Removal(ctx context.Context, m job.Machine) (provision.Removal, error)
	Remove(ctx context.Context, m job.Machine) error
}

// removing is how a service is taken off its machine; nil where clmgr has laid out nothing.
func (m *Manager) removing(c collect.Cluster, s managedService, host job.Machine) *handlers.Removing {
	r, ok := m.installer(s).(remover)
	if of, is := m.recipe(s); is {
		r, ok = of, true
	}
	if s.Mode == mariadbMode {
		r, ok = m.doomed(c, s), true
	}
	if !ok {
		return nil
	}
	return &handlers.Removing{
		Look: func(ctx context.Context) (provision.Removal, error) { return r.Removal(ctx, host) },
		Do:   func(ctx context.Context) error { return r.Remove(ctx, host) },
		Data: s.Mode == mariadbMode,
	}
}

// doomed is a database to be removed. Any other one of its cluster may follow it.
func (m *Manager) doomed(c collect.Cluster, s managedService) provision.Doomed {
	d := provision.Doomed{MariaDB: m.mariadb(s), Addr: netip.AddrPortFrom(s.IP, s.Port)}
	for _, v := range m.cfg.Cluster(s.cluster).Services {
		if v.Mode == s.Mode && v.Name != s.Name && (v.IP != s.IP || v.Unit != s.Unit) {
			d.Others = append(d.Others, provision.Follower{Name: v.Name, Addr: v.IP, Unit: v.Unit, Machine: m.acting(m.pool.Host(c.SSH, c.MachineAt(v.IP).SSH))})
		}
	}
	return d
}

// weighed looks at what removals and adoptions come to, where their machines can be asked.
func (m *Manager) weighed(ctx context.Context, wishes []*wish) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Heartbeat.Deadline)
	defer cancel()
	var all sync.WaitGroup
	for _, w := range wishes {
		weigh := map[string]func(context.Context, *wish){handlers.Remove: m.weighRemoval, handlers.Adopt: m.weighAdoption}[w.wanted.Verb]
		if w.err != nil || weigh == nil {
			continue
		}
		all.Go(func() { weigh(ctx, w) })
	}
	all.Wait()
}

// asked tells whether the machine of a wish can be asked.
func (w *wish) asked() bool {
	return w.wanted.Machine.State == heartbeat.Running && !w.wanted.Machine.Stale
}

func (m *Manager) weighRemoval(ctx context.Context, w *wish) {
	r := m.service(w.cluster, w.service).Removing
	if !w.asked() {
		if r.Data {
			w.wanted.Reason = "what it holds cannot be seen"
		}
		return
	}
	seen, err := r.Look(ctx)
	w.changes = seen.Lines()
	if err != nil {
		w.refused = err
		w.wanted.Reason = "refused: " + oneLine(err)
		return
	}
	if w.wanted.Reason = seen.Loss(); w.wanted.Reason == "" && len(w.changes) == 0 {
		w.wanted.Reason = "there is nothing of it"
	}
}

// mayRemove refuses to remove data unless the command says that it is meant, and names
// nothing else.
func mayRemove(c command.Command, wishes []*wish) error {
	if c.Action != handlers.Remove {
		return nil
	}
	data := slices.ContainsFunc(wishes, (*wish).isDB)
	if data && len(wishes) > 1 {
		return fmt.Errorf("cannot remove %s: refused, a database goes alone: name one service", short(names(wishes)))
	}
	for _, w := range wishes {
		if w.err == nil && w.refused != nil {
			return refusal(w.refused)
		}
	}
	if w := wishes[0]; data && w.err == nil && !c.Yes {
		loss := w.wanted.Reason
		return fmt.Errorf("cannot remove %s: refused by %s: %s; say --yes (\"yes\": true) if that is meant", w.service.Target.Name, gateYes, loss)
	}
	return nil
}

// refusal is an error as one that a gate gives.
func refusal(err error) error { return errors.New("refused: " + oneLine(err)) }

// meant is an operator's word for the handler, which may be another manager's.
func meant(c command.Command, w *wish) map[string]string {
	key := map[string]func(string) string{
		handlers.Sync: handlers.ReplaceKey, handlers.Remove: handlers.RemovalKey, handlers.Adopt: handlers.RestartKey,
	}[c.Action]
	if key == nil || !c.Yes {
		return nil
	}
	return map[string]string{key(w.service.Target.Name): handlers.Meant}
}

// names are those of the services of wishes.
func names(wishes []*wish) []string {
	var out []string
	for _, w := range wishes {
		out = append(out, w.service.Target.Name)
	}
	return out
}
