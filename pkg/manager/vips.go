package manager

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
)

// leadAddresses has providers that move addresses lead the virtual ones to who has them:
// in a cloud keepalived alone moves none. Which machine that is keepalived decides, and is
// what managed services were set up for; no machine holds a key for it. Where several claim
// an address, or somebody holds its services, it is left where it is.
func (m *Manager) leadAddresses(ctx context.Context, looked []seen) error {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Heartbeat.Deadline)
	defer cancel()
	status := current(looked)
	if slices.ContainsFunc(status.Conditions, func(c heartbeat.Condition) bool { return c.State == heartbeat.Isolated }) {
		return nil
	}
	var failures []error
	for _, cluster := range m.clusters {
		moves, can := cluster.Driver.(cloud.Addresses)
		if !can || cluster.Driver.Name() == cloud.LocalName || !slices.ContainsFunc(looked, func(s seen) bool { return s.look.Cluster == cluster.Name }) {
			continue
		}
		for ip, holders := range m.holders(cluster, status) {
			if len(holders) == 1 {
				failures = append(failures, m.lead(ctx, cluster, moves, ip, holders[0], status))
			}
		}
	}
	return errors.Join(failures...)
}

// holders are the managed services of a cluster that were seen to have virtual addresses.
func (m *Manager) holders(c collect.Cluster, status heartbeat.Status) map[netip.Addr][]heartbeat.Service {
	out := map[netip.Addr][]heartbeat.Service{}
	for _, v := range status.Services {
		if _, managed := m.managed[v.Key()]; managed && v.Cluster == c.Name && !v.Stale && v.HoldsVIP != nil && *v.HoldsVIP {
			out[v.VIP] = append(out[v.VIP], v)
		}
	}
	return out
}

// lead has an address led to the machine of a service, unless that is so or held.
func (m *Manager) lead(ctx context.Context, c collect.Cluster, moves cloud.Addresses, ip netip.Addr, to heartbeat.Service, status heartbeat.Status) error {
	machine := c.MachineAt(to.IP).Name
	now, err := moves.Address(ctx, ip)
	if err == nil && now.Name == machine {
		return nil
	}
	start := command.Command{Level: string(heartbeat.Services), Action: "start", Group: to.Name}
	if errors.As(m.held(ctx, start, []actions.Action{{Cluster: c.Name, Do: start}}, status), new(*heldError)) {
		return nil
	}
	if err == nil {
		_, err = moves.Associate(ctx, machine, ip)
	}
	if err != nil {
		return fmt.Errorf("cannot lead %s to %s, which has it: %w", ip, machine, err)
	}
	if m.acted != nil {
		m.acted("instances:associate:"+machine, string(actions.MoveFinish), ip.String()+" is led there")
	}
	return nil
}
