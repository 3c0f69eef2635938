package manager

import (
	"context"
	"errors"

	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/command"
)

// power asks the driver to launch, start, stop or terminate the machines of a
// group. It goes on after a failure and answers with all of them.
func (m *Manager) power(ctx context.Context, c command.Command) command.Result {
	chosen, err := m.cover(c)
	if err != nil {
		return command.Fail(c, command.NothingMatches, err)
	}
	var failures []error
	for _, ch := range chosen {
		for _, machine := range ch.cluster.Machines {
			if ch.covers.Machines[machine.Name] {
				failures = append(failures, change(ctx, ch.cluster.Driver, c.Action, machine.Name))
			}
		}
	}
	err = errors.Join(failures...)
	var refused *cloud.Refused
	switch {
	case err == nil:
		return command.Result{Command: c, Code: command.OK}
	case errors.As(err, &refused):
		return command.Fail(c, command.Refused, err)
	}
	return command.Fail(c, command.RemoteManagerFailure, err)
}

func change(ctx context.Context, d cloud.Driver, action, name string) error {
	var err error
	switch action {
	case "launch":
		_, err = d.Launch(ctx, name)
	case "start":
		_, err = d.Start(ctx, name)
	case "stop":
		_, err = d.Stop(ctx, name)
	default:
		_, err = d.Terminate(ctx, name)
	}
	return err
}
