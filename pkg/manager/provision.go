package manager

import (
	"context"
	"fmt"
	"strings"

	"github.com/clmgr/clmgr/pkg/actions/handlers"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
	"github.com/clmgr/clmgr/pkg/plan"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote/job"
)

// mariadbMode is the mode of the databases that clmgr can lay out.
const mariadbMode = "mariadb"

// managedService is a service that clmgr may install, of a cluster.
type managedService struct {
	*config.Service
	cluster string
}

// managedOf are the services of the configuration that clmgr may install.
func managedOf(cfg *config.Config) map[heartbeat.Key]managedService {
	out := map[heartbeat.Key]managedService{}
	for n := range cfg.Clusters {
		c := &cfg.Clusters[n]
		for i := range c.Services {
			if s := &c.Services[i]; s.Managed {
				out[heartbeat.Key{Cluster: c.Name, Kind: heartbeat.Services, Name: s.Name}] = managedService{s, c.Name}
			}
		}
	}
	return out
}

// provisions is what a managed service needs before it can be started.
func (m *Manager) provisions(c collect.Cluster, s managedService, host job.Machine) []handlers.Provision {
	var out []handlers.Provision
	if b := m.binaries(s); len(b.Packages) > 0 || b.Archive != nil {
		out = append(out, m.binariesOf(s, b, host))
	}
	if r, is := m.recipe(s); is {
		out = append(out, handlers.Provision{
			Verb: handlers.Install, Part: r,
			Do: func(ctx context.Context, j job.Job) error {
				_, err := r.Install(ctx, host, j)
				return err
			},
		})
	}
	if m.cfg.Cluster(s.cluster).NCC {
		out = append(out, m.controllerStep(c, s, host))
	}
	if i := m.installer(s); i != nil {
		out = append(out, handlers.Provision{
			Verb: handlers.Install, Part: i,
			Do: func(ctx context.Context, _ job.Job) error {
				_, err := i.Install(ctx, host)
				return err
			},
		})
	}
	if s.Mode == mariadbMode && s.Role == heartbeat.Slave {
		out = append(out, m.replicateOf(c, s, host))
	}
	for n := range out {
		out[n] = on(c.MachineAt(s.IP).Name, out[n])
	}
	return out
}

// on has the errors of a step say which machine it is done on.
func on(machine string, p handlers.Provision) handlers.Provision {
	do := p.Do
	p.Do = func(ctx context.Context, j job.Job) error {
		if err := do(ctx, j); err != nil {
			return fmt.Errorf("on %s: %w", machine, err)
		}
		return nil
	}
	return p
}

// binariesOf installs the programs of a service.
func (m *Manager) binariesOf(s managedService, b provision.Binaries, host job.Machine) handlers.Provision {
	return handlers.Provision{
		Verb: handlers.BootstrapBinaries, Part: b,
		Do: func(ctx context.Context, j job.Job) error {
			if s.Mode == mariadbMode { // its package would be changed under somebody's data
				if err := m.mariadb(s).Spare(ctx, host); err != nil {
					return err
				}
			}
			_, err := b.Install(ctx, host, j)
			return err
		},
	}
}

// configuring writes the configuration of a managed service; nil where its mode is none that
// clmgr can lay out.
func (m *Manager) configuring(c collect.Cluster, s managedService, host job.Machine) *handlers.Provision {
	var part provision.Part
	var do func(context.Context, job.Machine) (bool, error)
	r, is := m.recipe(s)
	switch i := m.installer(s); {
	case is:
		part, do = r, r.Configure
	case s.Mode == mariadbMode:
		d := m.mariadb(s)
		part, do = d.Configuration(), d.Configure
	case i != nil: // it is its configuration and nothing else
		part, do = i, i.Install
	default:
		return nil
	}
	p := on(c.MachineAt(s.IP).Name, handlers.Provision{Verb: handlers.BootstrapConfig, Part: part, Do: func(ctx context.Context, _ job.Job) error {
		_, err := do(ctx, host)
		return err
	}})
	return &p
}

// mariadb is a database of the configuration, as it is laid out.
func (m *Manager) mariadb(s managedService) provision.MariaDB {
	d := provision.MariaDB{
		Name: s.Name, Unit: s.Unit, Port: s.Port, ServerID: s.ServerID, MemPct: s.MemPct, Settings: s.Settings, Replica: s.Role == heartbeat.Slave,
		Health: m.health(s), Beside: m.beside(s),
		Accounts: []provision.Account{{User: s.Database.User, Password: s.Database.Password, Privileges: []string{provision.MonitorPrivilege}}},
	}
	of := m.cfg.Cluster(s.cluster)
	if of.Replication.SemiSync {
		d.SemiSync = of.Replication.SemiSyncTimeout
	}
	if of.Replication.User != "" {
		d.Accounts = append(d.Accounts, provision.Account{
			User: of.Replication.User, Password: of.Replication.Password, Privileges: []string{provision.CopyPrivilege},
		})
	}
	return d
}

// beside are the other databases that are configured on the machine of one.
func (m *Manager) beside(s managedService) []string {
	var out []string
	for _, v := range m.cfg.Cluster(s.cluster).Services {
		if v.Mode == s.Mode && v.IP == s.IP && v.Name != s.Name {
			out = append(out, v.Name)
		}
	}
	return out
}

// replicateOf has a replica follow the one database of its cluster that is configured
// as master.
func (m *Manager) replicateOf(c collect.Cluster, s managedService, host job.Machine) handlers.Provision {
	r, err := m.replicaOf(c, s, host)
	if err != nil {
		return handlers.Provision{
			Verb: handlers.Replicate, Part: provision.Unknown{Err: err},
			Do: func(context.Context, job.Job) error { return err },
		}
	}
	return handlers.Provision{Verb: handlers.Replicate, Part: r, Do: func(ctx context.Context, j job.Job) error {
		_, err := r.Replicate(ctx, j)
		return err
	}}
}

// sourceOf is what a replica follows.
func (m *Manager) sourceOf(s managedService) (*config.Service, error) {
	var masters []*config.Service
	of := m.cfg.Cluster(s.cluster)
	for n := range of.Services {
		if v := &of.Services[n]; v.Mode == s.Mode && v.Role == heartbeat.Master {
			masters = append(masters, v)
		}
	}
	if len(masters) != 1 {
		return nil, fmt.Errorf("cannot replicate %s: the cluster %s has %d databases with role: master, wanted one", s.Name, of.Name, len(masters))
	}
	return masters[0], nil
}

// seenUp tells whether a managed service was seen to answer: then nothing of it needs
// to be started.
func seenUp(s heartbeat.Status, key heartbeat.Key) bool {
	for _, v := range s.Services {
		if v.Key() == key {
			return !v.Stale && v.Sight == heartbeat.Seen && answers(v.Code)
		}
	}
	return false
}

// answers tells whether a service with this code was up when it was looked at.
func answers(code command.Code) bool {
	switch code {
	case command.OK, command.SQLFailure:
		return true
	}
	return false
}

// plans answers a dry run: every step of every wish, and what it waits for.
func (m *Manager) plans(c command.Command, wishes []*wish) command.Result {
	r := command.Result{Command: c, Code: command.OK}
	var doc plan.Document
	var reasons []string
	for _, w := range wishes {
		if w.err != nil {
			r.Code = command.RemoteCommandFailed
			reasons = append(reasons, oneLine(w.err))
			continue
		}
		doc.Plans = append(doc.Plans, plan.Plan{
			Cluster: w.cluster.Name, Service: w.service.Target.Name, Steps: w.steps.All, Changes: w.changes, Code: w.steps.Code, Reason: w.steps.Reason,
		})
	}
	r.Body, r.Reason = doc, strings.Join(reasons, "; ")
	return r
}

// whyNot says why a service cannot be given a verb, nil where it can.
func (m *Manager) whyNot(verb string, w *wish) error {
	s := m.service(w.cluster, w.service)
	switch verb {
	case handlers.BootstrapBinaries, handlers.BootstrapNCC, handlers.BootstrapConfig, handlers.Install, handlers.Replicate:
		if _, ok := s.Needs(verb); !ok {
			return fmt.Errorf("cannot %s %s: %s", verb, s.Name, s.WhyNot(verb))
		}
		return nil
	case handlers.Adopt, handlers.Remove, handlers.Sync:
		can := map[string]bool{handlers.Adopt: s.Adopting != nil, handlers.Remove: s.Removing != nil, handlers.Sync: s.Syncing != nil}
		if !can[verb] {
			return fmt.Errorf("cannot %s %s: %s", verb, s.Name, s.WhyNot(verb))
		}
		return nil
	}
	if s.Control.Unit == "" && s.Control.Start == "" {
		return fmt.Errorf("cannot %s %s: nobody said how; give it a unit, or its mode %s the commands start and stop", verb, s.Name, w.service.Target.Mode)
	}
	return nil
}

func keyOf(c collect.Cluster, s collect.Service) heartbeat.Key {
	return heartbeat.Key{Cluster: c.Name, Kind: heartbeat.Services, Name: s.Target.Name}
}
