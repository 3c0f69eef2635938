package manager

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/command"
)

// AddressList is the answer about addresses that move between machines.
type AddressList struct {
	Addresses []HeldAddress `json:"addresses"`
}

// HeldAddress is an address and who has it.
type HeldAddress struct {
	Address  string `json:"address"`
	Cluster  string `json:"cluster"`
	ID       string `json:"id,omitempty"`       // the provider's id of the address or its interface
	Instance string `json:"instance,omitempty"` // the id of the instance that has it; empty for nobody
	Kind     string `json:"kind,omitempty"`     // elastic, interface or secondary
	Name     string `json:"name,omitempty"`     // the configured name of that instance; empty where it is not ours
}

// moveAddress gives an address to a machine, or takes it away.
func (m *Manager) moveAddress(ctx context.Context, c command.Command) command.Result {
	chosen, err := m.cover(ctx, c)
	if err != nil {
		return command.Fail(c, command.NothingMatches, err)
	}
	jobs := jobsOf(chosen)
	if len(jobs) != 1 {
		return command.Fail(c, command.NothingMatches, fmt.Errorf("cannot %s: group %q is %d machines, wanted one", c.Action, c.Group, len(jobs)))
	}
	j := jobs[0]
	moves, ip, err := m.address(j.cluster, j.driver, c)
	if err != nil {
		return command.Fail(c, command.NotUnderstood, err)
	}
	move := moves.Associate
	if c.Action == "disassociate" {
		move = moves.Disassociate
	}
	a, err := move(ctx, j.name, ip)
	return addressAnswer(c, err, j.cluster, a)
}

// addressStatus tells who has an address. An address that nobody has is something
// that is not running.
func (m *Manager) addressStatus(ctx context.Context, c command.Command) command.Result {
	chosen, err := m.cover(ctx, c)
	if err != nil {
		return command.Fail(c, command.NothingMatches, err)
	}
	if len(chosen) != 1 {
		return command.Fail(c, command.NothingMatches, fmt.Errorf("cannot %s: the command is about %d clusters, wanted one; say --cluster", c.Action, len(chosen)))
	}
	cluster := chosen[0].cluster
	moves, ip, err := m.address(cluster.Name, cluster.Driver, c)
	if err != nil {
		return command.Fail(c, command.NotUnderstood, err)
	}
	a, err := moves.Address(ctx, ip)
	r := addressAnswer(c, err, cluster.Name, a)
	if err == nil && a.Holder == "" {
		r.Code, r.Reason = command.SomethingIsNotRunning, "nobody has "+ip.String()
	}
	return r
}

// address is the address a command is about, and who moves it: the one given, else
// the cluster's elastic ip.
func (m *Manager) address(cluster string, d cloud.Driver, c command.Command) (cloud.Addresses, netip.Addr, error) {
	moves, ok := d.(cloud.Addresses)
	if !ok {
		return nil, netip.Addr{}, fmt.Errorf("cannot %s: the driver %s moves no addresses", c.Action, d.Name())
	}
	text := c.Address
	if text == "" && c.Action != "status_vip" {
		text = m.cfg.Cluster(cluster).Cloud.ElasticIP
	}
	if text == "" {
		return nil, netip.Addr{}, fmt.Errorf("cannot %s: no address was given, and the cluster %s has no elastic_ip", c.Action, cluster)
	}
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return nil, ip, fmt.Errorf("cannot %s: %q is not an ip address", c.Action, text)
	}
	return moves, ip, nil
}

func addressAnswer(c command.Command, err error, cluster string, a cloud.Address) command.Result {
	var refused *cloud.Refused
	var notNow *cloud.NotNow
	switch {
	case errors.As(err, &refused):
		return command.Fail(c, command.Refused, err)
	case errors.As(err, &notNow) && notNow.Passing():
		return command.Fail(c, command.DelayedUntilStart, err)
	case err != nil:
		return command.Fail(c, command.RemoteManagerFailure, err)
	}
	return command.Result{Command: c, Code: command.OK, Body: AddressList{[]HeldAddress{{
		Address: a.IP.String(), Cluster: cluster, ID: a.ID, Instance: a.Holder, Kind: a.Kind, Name: a.Name,
	}}}}
}
