package manager

import (
	"context"
	"fmt"

	"github.com/clmgr/clmgr/pkg/actions/handlers"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/services"
)

// Machines returns the machines a command is about. See handlers.Site.
func (m *Manager) Machines(c command.Command) ([]handlers.Machine, error) {
	var out []handlers.Machine
	for _, ch := range m.choose(c) {
		for _, machine := range ch.cluster.Machines {
			if ch.covers.Machines[machine.Name] {
				out = append(out, handlers.Machine{Name: machine.Name, Driver: ch.cluster.Driver})
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("cannot %s: there is no machine %q in cluster %s", c.Action, c.Group, c.Cluster)
	}
	return out, nil
}

// Services returns the services a command is about. See handlers.Site.
func (m *Manager) Services(c command.Command) ([]handlers.Service, error) {
	var out []handlers.Service
	for _, ch := range m.choose(c) {
		for _, s := range ch.cluster.Services {
			if ch.covers.Services[s.Target.Name] {
				out = append(out, m.service(ch.cluster, s))
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("cannot %s: there is no service %q in cluster %s", c.Action, c.Group, c.Cluster)
	}
	return out, nil
}

// service is a service as handlers see it.
func (m *Manager) service(c collect.Cluster, s collect.Service) handlers.Service {
	host := m.pool.Host(c.SSH, c.MachineAt(s.IP).SSH)
	machine := m.acting(host)
	managed, is := m.managed[keyOf(c, s)]
	v := handlers.Service{
		Name: s.Target.Name, Host: machine, Control: s.Control, Managed: is,
		Probe: func(ctx context.Context) services.Observation {
			ctx, cancel := context.WithTimeout(ctx, s.Timeout)
			defer cancel()
			return services.Probe(ctx, s.Target, s.Reach(host))
		},
	}
	if is {
		v.Provisions, v.Syncing, v.Drain = m.provisions(c, managed, machine), m.syncing(c, managed, machine), m.drain(managed, machine)
		v.Configuring = m.configuring(c, managed, machine)
		v.Removing, v.Adopting = m.removing(c, managed, machine), m.adopting(managed, machine)
		v.Rolling = m.rolling(c, managed)
	}
	return v
}

// acting is a machine on which actions run commands.
func (m *Manager) acting(host *remote.Host) job.Machine {
	if m.wrap.Machine != nil {
		return m.wrap.Machine(host)
	}
	return host
}
