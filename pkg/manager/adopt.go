package manager

import (
	"context"
	"fmt"

	"github.com/clmgr/clmgr/pkg/actions/handlers"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote/job"
)

// adopting is how a database is taken over; nil for what is none.
func (m *Manager) adopting(s managedService, host job.Machine) *handlers.Adopting {
	if s.Mode != mariadbMode {
		return nil
	}
	d := m.mariadb(s)
	return &handlers.Adopting{
		Look: func(ctx context.Context) (provision.Adoption, error) { return d.Adoption(ctx, host) },
		Do:   func(ctx context.Context, restart bool) error { return d.Adopt(ctx, host, restart) },
	}
}

func (m *Manager) weighAdoption(ctx context.Context, w *wish) {
	w.wanted.Reason, w.restart = "whether it needs a restart cannot be seen", true
	if !w.asked() {
		return
	}
	a, err := m.service(w.cluster, w.service).Adopting.Look(ctx)
	if err != nil {
		w.refused = err
		w.wanted.Reason = "refused: " + oneLine(err)
		return
	}
	w.changes = a.Lines()
	settings := a.Restart()
	w.restart = len(settings) > 0
	switch {
	case a.Ours:
		w.wanted.Reason = "it is clmgr's already"
	case w.restart:
		w.wanted.Reason = provision.NeedsRestart(settings)
	default:
		w.wanted.Reason = "it goes on running"
	}
}

// mayAdopt refuses to restart a database unless the command says that it is meant.
func mayAdopt(c command.Command, wishes []*wish) error {
	if c.Action != handlers.Adopt {
		return nil
	}
	if len(wishes) > 1 {
		return fmt.Errorf("cannot adopt %s: refused, one database at a time", short(names(wishes)))
	}
	switch w := wishes[0]; {
	case w.refused != nil:
		return refusal(w.refused)
	case w.err == nil && w.restart && !c.Yes:
		return fmt.Errorf("cannot adopt %s: refused by %s: %s; say --yes (\"yes\": true) if that is meant", w.service.Target.Name, gateYes, w.wanted.Reason)
	}
	return nil
}
