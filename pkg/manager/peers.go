package manager

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/peers"
	"github.com/clmgr/clmgr/pkg/peers/watch"
)

// watchesPeers tells whether the configuration has this manager watch the others.
func (m *Manager) watchesPeers() bool {
	wanted := m.cfg.Peers.Watch
	return wanted == "always" || wanted == "auto" && m.stores.forgets
}

// peers is the watch over other managers: it publishes what this one is and looks at the
// others.
func (m *Manager) peers() *watch.Loop {
	c := m.cfg.Peers
	o := watch.Options{
		Manager: m.name, Shared: m.stores.shared, Own: m.stores.own, Tell: m.tell,
		IP: m.ownMachine(), Disk: m.cfg.StateDir, Mask: m.mask.Text,
		Settings: peers.Settings{
			Interval: c.Interval, TTL: c.TTL, Window: c.Window, Threshold: float64(c.Threshold),
			MinSamples: c.MinSamples, MinDeviation: float64(c.MinDeviation) / 100, Only: c.Members,
		},
	}
	for _, g := range c.Metrics {
		o.Gauges = append(o.Gauges, watch.Gauge(g))
	}
	return watch.New(o)
}

// ownMachine is the address of the configured machine that this manager runs on; the
// zero address where it is none.
func (m *Manager) ownMachine() netip.Addr {
	for _, cl := range m.clusters {
		for _, machine := range cl.Machines {
			if slices.Contains(m.own, machine.SSH.IP) {
				return machine.SSH.IP
			}
		}
	}
	return netip.Addr{}
}

// listPeers answers with the managers that publish, and their latest metrics.
func (m *Manager) listPeers(ctx context.Context, c command.Command) command.Result {
	list, err := m.peers().List(ctx)
	if err != nil {
		return command.Fail(c, command.StoreFailure, err)
	}
	r := command.Result{Command: c, Code: command.OK, Body: list}
	if !list.Running() {
		r.Code = command.SomethingIsNotRunning
	}
	return r
}

// forgetPeer takes a manager that is gone for good out of those that are watched.
func (m *Manager) forgetPeer(ctx context.Context, c command.Command) command.Result {
	watched := m.peers()
	was, err := watched.Forget(ctx, c.Group)
	switch {
	case err != nil:
		return command.Fail(c, command.StoreFailure, err)
	case !was:
		return command.Fail(c, command.NothingMatches, fmt.Errorf("cannot forget %s: no manager of that name publishes; there are: %s", c.Group, watched.Names(ctx)))
	}
	return command.Result{Command: c, Code: command.OK}
}
