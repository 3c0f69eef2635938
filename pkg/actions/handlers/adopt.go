package handlers

import (
	"context"
	"fmt"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/provision"
)

// Adopt takes over a database that somebody else has made. No start includes it.
const Adopt = "adopt"

// Adopting is how a database is taken over.
type Adopting struct {
	// Look says what that changes; a *provision.Unwilling why it cannot be.
	Look func(context.Context) (provision.Adoption, error)
	// Do takes it over, and restarts it only where restart says so.
	Do func(ctx context.Context, restart bool) error
}

// RestartKey names, in an action's Require, the service that may be restarted; its value
// is Meant.
func RestartKey(service string) string { return "restart of " + service }

// adopt takes over one database.
func (h Handlers) adopt(ctx context.Context, a actions.Action) error {
	list, err := h.Site.Services(a.Command())
	if err != nil {
		return &actions.Permanent{Err: err}
	}
	if len(list) != 1 {
		return &actions.Permanent{Err: fmt.Errorf("cannot adopt %s: that is %d services, wanted one database", a.Do.Group, len(list))}
	}
	s := list[0]
	if s.Adopting == nil {
		return &actions.Permanent{Err: fmt.Errorf("cannot adopt %s: %s", s.Name, s.WhyNot(Adopt))}
	}
	return judged(s.Adopting.Do(ctx, a.Require[RestartKey(s.Name)] == Meant))
}
