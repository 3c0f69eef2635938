package handlers

import (
	"context"
	"fmt"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/services"
)

// The verbs of a rolling restart.
const (
	RollingRestart = "rolling_restart" // asks for the others
	RestartReplica = "restart_replica"
	HandOver       = "hand_over"
)

// Rolling is how a database is restarted while others serve.
type Rolling struct {
	// MayRestart says why it must not be restarted now.
	MayRestart func(context.Context) error
	// CaughtUp waits until it follows and has all that its source has.
	CaughtUp func(context.Context) error
	// HandOver makes it the primary.
	HandOver func(context.Context, job.Job) error
}

// rolling does one step of a rolling restart.
func (h Handlers) rolling(ctx context.Context, a actions.Action) error {
	list, err := h.Site.Services(a.Command())
	if err != nil {
		return &actions.Permanent{Err: err}
	}
	if len(list) != 1 {
		return &actions.Permanent{Err: fmt.Errorf("cannot %s %s: that is %d services, wanted one", a.Do.Action, a.Do.Group, len(list))}
	}
	s := list[0]
	if s.Rolling == nil {
		return &actions.Permanent{Err: fmt.Errorf("cannot %s %s: %s", a.Do.Action, s.Name, s.WhyNot(a.Do.Action))}
	}
	step := h.restartReplica
	if a.Do.Action == HandOver {
		step = func(ctx context.Context, a actions.Action, s Service) error {
			return s.Rolling.HandOver(ctx, h.job(a, s))
		}
	}
	return judged(step(ctx, a, s))
}

// restartReplica restarts what takes no writes, and waits until it has caught up.
func (h Handlers) restartReplica(ctx context.Context, a actions.Action, s Service) error {
	if err := s.Rolling.MayRestart(ctx); err != nil {
		return fmt.Errorf("cannot restart %s: %w", s.Name, err)
	}
	as := a
	as.Do.Action = services.Restart
	if err := h.apply(ctx, as, s); err != nil {
		return err
	}
	return s.Rolling.CaughtUp(ctx)
}

// restarted tells whether a restart is over already. To drain it then would keep clients
// from it until the next one.
func restarted(ctx context.Context, s Service, invocation string) bool {
	if invocation == "" {
		return false
	}
	u, err := services.Inspect(ctx, s.Host, s.Control)
	return err == nil && u.Up() && u.Invocation != invocation
}
