package manager

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/handlers"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
	"github.com/clmgr/clmgr/pkg/plan"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/services"
)

// rolling is how a managed database is restarted while others serve; nil for what is none.
func (m *Manager) rolling(c collect.Cluster, s managedService) *handlers.Rolling {
	if s.Mode != mariadbMode {
		return nil
	}
	with := func(do func(provision.Handover) error) error { // looked up when it is wanted: it is of all databases
		h, err := m.handover(c, s.Name)
		if err != nil {
			return err
		}
		return do(h)
	}
	return &handlers.Rolling{
		MayRestart: func(ctx context.Context) error {
			return with(func(h provision.Handover) error { return h.MayRestart(ctx) })
		},
		CaughtUp: func(ctx context.Context) error {
			return with(func(h provision.Handover) error { return h.CaughtUp(ctx) })
		},
		HandOver: func(ctx context.Context, j job.Job) error {
			return with(func(h provision.Handover) error { return h.Run(ctx, j) })
		},
	}
}

// handover is of the databases of a cluster, all of which clmgr must manage.
func (m *Manager) handover(c collect.Cluster, to string) (provision.Handover, error) {
	of := m.cfg.Cluster(c.Name)
	h := provision.Handover{To: to, User: of.Replication.User, Password: of.Replication.Password, SemiSync: of.Replication.SemiSync}
	if h.User == "" {
		return h, fmt.Errorf("the cluster %s has no replication, the account to log in with", c.Name)
	}
	h.Own = append(h.Own, h.User)
	var source *config.Service
	for n := range of.Services {
		v := &of.Services[n]
		if v.Mode != mariadbMode {
			continue
		}
		if !v.Managed {
			return h, &provision.Refused{Gate: provision.GateManaged, Reason: v.Name + " is not managed"}
		}
		if source == nil {
			var err error
			if source, err = m.sourceOf(managedService{v, c.Name}); err != nil {
				return h, &provision.Refused{Gate: provision.GateOnePrimary, Reason: err.Error()}
			}
		}
		h.Own = append(h.Own, v.Database.User)
		h.Members = append(h.Members, provision.Member{
			Name: v.Name, Machine: m.acting(m.pool.Host(c.SSH, c.MachineAt(v.IP).SSH)), Unit: v.Unit,
			Addr: netip.AddrPortFrom(v.IP, v.Port), Master: v.Name == source.Name,
			Health: m.health(managedService{v, c.Name}),
		})
	}
	return h, nil
}

// rollingRestart queues the restart of the databases covered, one after another, the
// primary last and while another one has its role.
func (m *Manager) rollingRestart(ctx context.Context, c command.Command) command.Result {
	chosen, err := m.cover(ctx, c)
	if err != nil {
		return command.Fail(c, command.NothingMatches, err)
	}
	began, err := m.ledger.Own(ctx)
	if err != nil {
		return command.Fail(c, command.StoreFailure, err)
	}
	var wishes []*wish
	all := c
	all.Group, all.Type = command.All, command.All // a step may be about any of them
	for n, ch := range chosen {
		w, rolled, err := m.rolled(ctx, ch)
		if r, stop := interrupted(ctx, c); stop {
			return r
		}
		if err != nil {
			return command.Fail(c, refusedBy(err), fmt.Errorf("cannot %s %s: %w", c.Action, ch.cluster.Name, err))
		}
		if len(rolled) > 0 {
			wishes = append(wishes, w)
		}
		chosen[n].covers = collect.Select(ch.cluster, all, m.own)
	}
	if len(wishes) == 0 {
		return command.Fail(c, command.NothingMatches, fmt.Errorf("cannot %s: group %q and type %q cover no mariadb", c.Action, c.Group, c.Type))
	}
	if c.DryRun {
		return m.plans(c, wishes)
	}
	return m.roll(ctx, c, all, chosen, began, wishes)
}

// roll queues what is wished, and does at once what may start now.
func (m *Manager) roll(ctx context.Context, c, all command.Command, chosen []chosen, began *actions.Queue, wishes []*wish) command.Result {
	looked := m.look(ctx, all, chosen)
	if r, stop := interrupted(ctx, c); stop {
		return r
	}
	for n := range looked {
		looked[n].now = looked[n].merged()
	}
	status := current(looked)
	if err := m.heldBack(ctx, c, wishes, status); err != nil {
		return command.Fail(c, refusedOr(command.StoreFailure, err), err)
	}
	ready := map[actions.ID]bool{}
	for _, w := range wishes {
		drafts := w.steps.Drafts
		for n := range drafts {
			drafts[n] = actions.Bind(drafts[n], status)
		}
		m.add(ctx, c, w)
		for _, id := range w.ids {
			ready[id] = true
		}
	}
	_, failure := m.act(ctx, began, looked, func(a actions.Action) bool { return ready[a.ID] })
	if c.Wait && failure == nil {
		failure = m.follow(ctx, c, wishes)
	}
	return m.granted(ctx, c, wishes, looked, failure)
}

// refusedBy is the code of what a gate has refused.
func refusedBy(err error) command.Code {
	if errors.As(err, new(*provision.Refused)) {
		return command.Refused
	}
	return command.RemoteCommandFailed
}

// rolled is the wish for the databases covered of a cluster, and which they are.
func (m *Manager) rolled(ctx context.Context, ch chosen) (*wish, []plan.Rolled, error) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Heartbeat.Deadline)
	defer cancel()
	r := plan.Rolling{Cluster: ch.cluster.Name}
	found := map[string]collect.Service{}
	for _, v := range ch.cluster.Services {
		name := v.Target.Name
		if v.Target.Mode != mariadbMode {
			continue
		}
		found[name] = v
		if !ch.covers.Services[name] {
			continue
		}
		d := plan.Rolled{Name: name, IP: v.IP}
		if layerOf(v.Target.Mode, v.Type, v.Configured) == sources {
			r.Master = &d
			continue
		}
		r.Replicas = append(r.Replicas, d)
	}
	restarts := r.Restarts()
	if len(restarts) == 0 {
		return nil, nil, nil
	}
	h, err := m.handover(ch.cluster, "")
	if err != nil {
		return nil, nil, err
	}
	candidate, err := h.Candidate(ctx)
	if err != nil {
		return nil, nil, err
	}
	r.Candidate = &plan.Rolled{Name: candidate, IP: found[candidate].IP}
	w := &wish{cluster: ch.cluster, service: collect.Service{Target: services.Target{Name: ch.cluster.Name}}, steps: r.Steps()}
	for n, d := range restarts {
		one := &wish{cluster: ch.cluster, service: found[d.Name]}
		require, err := m.invocation(ctx, one)
		if err != nil {
			return nil, nil, err
		}
		at := n
		if r.Master != nil && n == len(restarts)-1 {
			at++ // the role is handed over first
		}
		w.steps.Drafts[at].Require = require
	}
	return w, restarts, nil
}
