package handlers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/cloud"
)

// stillPending is how soon a machine on its way is looked at again.
const stillPending = 5 * time.Second

// power launches, starts, stops or terminates machines, and follows them to the
// end of it.
func (h Handlers) power(ctx context.Context, a actions.Action) error {
	machines, err := h.Site.Machines(a.Command())
	if err != nil {
		return &actions.Permanent{Err: err}
	}
	failures := make([]error, len(machines))
	var all sync.WaitGroup
	for n, m := range machines {
		all.Go(func() { failures[n] = changePower(ctx, a, m) })
	}
	all.Wait()
	return errors.Join(failures...)
}

func changePower(ctx context.Context, a actions.Action, m Machine) error {
	if err := sameMachine(ctx, a, m); err != nil {
		return err
	}
	_, err := cloud.Follow(ctx, m.Driver, a.Do.Action, m.Name)
	var notNow *cloud.NotNow
	var unfinished *cloud.Unfinished
	switch {
	case errors.As(err, new(*cloud.Refused)):
		return &actions.Permanent{Err: err}
	case errors.As(err, &unfinished):
		return &actions.Retry{After: stillPending, Reason: err.Error()}
	case errors.As(err, &notNow) && notNow.Passing():
		return &actions.Retry{After: stillPending, Reason: err.Error()}
	}
	return err
}

// sameMachine refuses to touch another machine than the one an action was queued
// for. A terminate is always for one.
func sameMachine(ctx context.Context, a actions.Action, m Machine) error {
	if a.Instance == "" {
		return nil
	}
	now, err := m.Driver.Instance(ctx, m.Name)
	if err != nil {
		return err
	}
	if now.ID == a.Instance || a.Do.Action == "terminate" && now.State == cloud.StateAbsent {
		return nil
	}
	return &actions.Permanent{Err: fmt.Errorf("cannot %s instance %s: it was queued for %s, and is now %s, %s",
		a.Do.Action, m.Name, a.Instance, now.ID, now.State)}
}
