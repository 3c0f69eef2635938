package manager

import (
	"context"
	"errors"
	"fmt"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/command"
)

// listHolds answers with the holds that are active.
func (m *Manager) listHolds(ctx context.Context, c command.Command) command.Result {
	view, err := m.ledger.Look(ctx)
	if err != nil && !errors.As(err, new(*ledger.Unshared)) {
		return command.Fail(c, command.StoreFailure, err)
	}
	r := command.Result{Command: c, Code: command.OK, Body: actions.HoldList{Holds: view.Queue.Holds(view.Now)}}
	if err != nil {
		r.Code, r.Reason = command.StoreFailure, err.Error()
	}
	return r
}

// hold keeps everything from being started in a group.
func (m *Manager) hold(ctx context.Context, c command.Command) command.Result {
	if err := m.knownGroup(c); err != nil {
		return command.Fail(c, command.NothingMatches, err)
	}
	if c.Reason == "" {
		return command.Fail(c, command.NotUnderstood, fmt.Errorf("cannot hold %s: say why, with --reason (\"reason\")", c.Group))
	}
	var held actions.Hold
	var bad error
	err := m.ledger.Change(ctx, "hold", func(v ledger.View) error {
		until, err := holdFor(c.For, v.Now)
		if err == nil {
			held, err = v.Queue.Hold(v.Writer, actions.Hold{
				Cluster: c.Cluster, Group: c.Group, Until: until, Reason: m.mask.Text(c.Reason), By: m.asker(c), At: v.Now,
			})
		}
		bad = err
		return err
	})
	switch {
	case bad != nil:
		return command.Fail(c, command.NotUnderstood, bad)
	case err != nil:
		return command.Fail(c, command.StoreFailure, unchanged(c, err))
	}
	return command.Result{Command: c, Code: command.OK, Body: actions.HoldList{Holds: []actions.Hold{held}}}
}

// release ends the holds of a group.
func (m *Manager) release(ctx context.Context, c command.Command) command.Result {
	var ended []actions.Hold
	err := m.ledger.Change(ctx, "release", func(v ledger.View) error {
		ended = v.Queue.Release(c.Cluster, c.Group, v.Now)
		return nil
	})
	if err != nil {
		return command.Fail(c, command.StoreFailure, unchanged(c, err))
	}
	if len(ended) == 0 {
		return command.Fail(c, command.NothingMatches, fmt.Errorf("cannot release %s: nobody holds it; clmgr holds shows what is held", c.Group))
	}
	return command.Result{Command: c, Code: command.OK, Body: actions.HoldList{Holds: ended}}
}

// knownGroup refuses a group that no cluster has: a hold that holds nothing would
// look like one that does.
func (m *Manager) knownGroup(c command.Command) error {
	for name, groups := range m.words.Groups {
		if (c.Cluster == "" || c.Cluster == name) && groups[c.Group] {
			return nil
		}
	}
	_, err := m.cover(context.Background(), c)
	return err
}
