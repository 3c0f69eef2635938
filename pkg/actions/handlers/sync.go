package handlers

import (
	"context"
	"fmt"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Sync gives a replica a copy of what its source holds. No start includes it.
const Sync = "sync"

// Syncing is how a replica is given a copy.
type Syncing struct {
	// Databases are those that would be replaced.
	Databases func(context.Context) ([]string, error)
	// Do clones and has it follow; databases that are there go only where replace says so.
	Do func(ctx context.Context, j job.Job, replace bool) error
}

// ReplaceKey names, in an action's Require, the service whose databases may be replaced;
// its value is Meant.
func ReplaceKey(service string) string { return "databases of " + service }

// sync rebuilds one replica.
func (h Handlers) sync(ctx context.Context, a actions.Action) error {
	list, err := h.Site.Services(a.Command())
	if err != nil {
		return &actions.Permanent{Err: err}
	}
	if len(list) != 1 {
		return &actions.Permanent{Err: fmt.Errorf("cannot sync %s: that is %d services, wanted one replica", a.Do.Group, len(list))}
	}
	s := list[0]
	if s.Syncing == nil {
		return &actions.Permanent{Err: fmt.Errorf("cannot sync %s: %s", s.Name, s.WhyNot(Sync))}
	}
	return judged(s.Syncing.Do(ctx, h.job(a, s), a.Require[ReplaceKey(s.Name)] == Meant))
}
