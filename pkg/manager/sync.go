package manager

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/clmgr/clmgr/pkg/actions/handlers"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote/job"
)

// replicaOf is a replica of the one database of its cluster that is configured as master,
// and of whom it may be given a copy.
func (m *Manager) replicaOf(c collect.Cluster, s managedService, host job.Machine) (provision.Replica, error) {
	of := m.cfg.Cluster(s.cluster)
	source, err := m.sourceOf(s)
	if err == nil && of.Replication.User == "" {
		err = fmt.Errorf("cannot replicate %s: the cluster %s has no replication, the account to log in with", s.Name, c.Name)
	}
	if err == nil && !source.Managed && strings.Contains(source.Unit, "@") {
		err = fmt.Errorf("cannot replicate %s: its source %s is %s, which clmgr has not laid out and cannot log in to", s.Name, source.Name, source.Unit)
	}
	if err != nil {
		return provision.Replica{}, err
	}
	at := func(ip netip.Addr) job.Machine { return m.acting(m.pool.Host(c.SSH, c.MachineAt(ip).SSH)) }
	r := provision.Replica{
		Name: s.Name, Machine: host, SourceMachine: at(source.IP), Source: source.Name, SourceUnit: source.Unit, SourceManaged: source.Managed,
		SourceAddr: netip.AddrPortFrom(source.IP, source.Port), User: of.Replication.User, Password: of.Replication.Password,
		Addr: netip.AddrPortFrom(s.IP, s.Port), Database: m.mariadb(s), SemiSync: of.Replication.SemiSync, CloneRate: of.Replication.CloneRate,
	}
	for n := range of.Services {
		if v := &of.Services[n]; v.Managed && v.Mode == s.Mode && v.Role == heartbeat.Slave && v.Name != s.Name {
			r.Donors = append(r.Donors, provision.Donor{Name: v.Name, Machine: at(v.IP), Unit: v.Unit, Managed: true})
		}
	}
	return r, nil
}

// syncing is how a replica is given a copy; nil for what is none.
func (m *Manager) syncing(c collect.Cluster, s managedService, host job.Machine) *handlers.Syncing {
	if s.Mode != mariadbMode || s.Role != heartbeat.Slave {
		return nil
	}
	r, err := m.replicaOf(c, s, host)
	if err != nil {
		return &handlers.Syncing{
			Databases: func(context.Context) ([]string, error) { return nil, err },
			Do:        func(context.Context, job.Job, bool) error { return err },
		}
	}
	return &handlers.Syncing{Databases: r.Databases, Do: r.Sync}
}

// replaced says what a sync would replace, where its machine can be asked.
func (m *Manager) replaced(ctx context.Context, wishes []*wish) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Heartbeat.Deadline)
	defer cancel()
	for _, w := range wishes {
		if w.err != nil || w.wanted.Verb != handlers.Sync {
			continue
		}
		w.wanted.Reason = "whether it holds databases cannot be seen"
		if !w.asked() {
			continue
		}
		switch list, err := m.service(w.cluster, w.service).Syncing.Databases(ctx); {
		case err != nil:
			w.wanted.Reason += ": " + oneLine(err)
		case len(list) == 0:
			w.wanted.Reason, w.empty = "it holds no database", true
		default:
			w.wanted.Reason = "it replaces the databases " + short(list)
		}
	}
}

// mayReplace refuses to replace data unless the command says that it is meant, and to
// take more than one replica from those who use them.
func mayReplace(c command.Command, wishes []*wish) error {
	if c.Action != handlers.Sync {
		return nil
	}
	if len(wishes) > 1 {
		return fmt.Errorf("cannot sync %s: refused, one replica at a time: it serves nobody meanwhile", short(names(wishes)))
	}
	if w := wishes[0]; w.err == nil && !w.empty && !c.Yes {
		return fmt.Errorf("cannot sync %s: refused by %s: %s; say --yes (\"yes\": true) if that is meant", w.service.Target.Name, gateYes, w.wanted.Reason)
	}
	return nil
}
