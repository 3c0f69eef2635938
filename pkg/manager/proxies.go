package manager

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/handlers"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/services"
)

// layers are what the services of a cluster stand on one another by: those of a layer need
// the ones before.
const (
	sources   = iota // databases that follow nobody, and what needs nothing
	replicas         // which follow them
	proxies          // which lead to databases
	addresses        // which lead to proxies
)

// layerOf is the layer of a service of a mode and its type.
func layerOf(mode, typ, role string) int {
	switch {
	case services.Modes()[mode].VIP:
		return addresses
	case typ == "lb", typ == "proxy":
		return proxies
	case typ == services.TypeDB && role == heartbeat.Slave:
		return replicas
	}
	return sources
}

// haproxy is a balancer of the configuration, as it is laid out.
func (m *Manager) haproxy(s managedService) provision.HAProxy {
	h := provision.HAProxy{Name: s.Name, Unit: s.Unit, Write: s.Balance.Write, Read: s.Balance.Read, Page: s.Balance.Page, Template: s.Text}
	of := m.cfg.Cluster(s.cluster)
	for _, v := range of.Services {
		if v.Managed && v.Mode == mariadbMode {
			h.Databases = append(h.Databases, provision.Backend{
				Name: v.Name, Addr: netip.AddrPortFrom(v.IP, v.Port), Health: v.HealthPort, Master: v.Role == heartbeat.Master,
			})
		}
	}
	return h
}

// highestPriority is that of the first of a group of keepalived, and priorityStep lies
// between each and the next.
const (
	highestPriority = 200
	priorityStep    = 10
)

// keepalived is a guard of an address, as it is laid out. The first of a group in the
// configuration rather has the address than the next.
func (m *Manager) keepalived(s managedService) provision.Keepalived {
	k := provision.Keepalived{Name: s.Name, Unit: s.Unit, Addr: s.IP, VIP: s.VIP, RouterID: s.RouterID, Priority: highestPriority, Template: s.Text}
	before := true
	for _, v := range m.cfg.Cluster(s.cluster).Services {
		switch {
		case v.Name == s.Name:
			before = false
		case v.VIP.IsValid() && v.VIP == s.VIP && v.Mode == s.Mode:
			k.Peers = append(k.Peers, v.IP)
			if before {
				k.Priority = max(k.Priority-priorityStep, 1)
			}
		case v.Managed && v.IP == s.IP && v.Balance != config.Balance{}:
			k.Page = v.Balance.Page
		}
	}
	slices.SortFunc(k.Peers, netip.Addr.Compare)
	return k
}

// health is what answers balancers beside the databases of a cluster; nil where nobody asks.
func (m *Manager) health(s managedService) *provision.Health {
	of := m.cfg.Cluster(s.cluster)
	for _, v := range of.Services {
		if v.Managed && v.Balance != (config.Balance{}) {
			return &provision.Health{Addr: netip.AddrPortFrom(s.IP, s.HealthPort), MaxLag: of.Health.MaxLag}
		}
	}
	return nil
}

// installer is something that can be laid out on a machine.
type installer interface {
	provision.Part
	Install(ctx context.Context, m job.Machine) (changed bool, err error)
}

// installer is what lays the service out; nil where its mode is none that clmgr can.
func (m *Manager) installer(s managedService) installer {
	switch s.Mode {
	case "memcache":
		return provision.Memcached{Name: s.Name, Unit: s.Unit, Addr: netip.AddrPortFrom(s.IP, s.Port), MemPct: s.MemPct, Template: s.Text}
	case mariadbMode:
		return m.mariadb(s)
	case "haproxy":
		return m.haproxy(s)
	case "keepalived":
		return m.keepalived(s)
	}
	return nil
}

// drainFor is how long a database that is about to stop waits for its clients to leave.
const drainFor = 10 * time.Second

// drain keeps balancers from a database that is about to stop, and readies it for that; nil
// for what is none.
func (m *Manager) drain(s managedService, host job.Machine) func(context.Context) error {
	if s.Mode != mariadbMode {
		return nil
	}
	health := m.health(s)
	return func(ctx context.Context) error {
		if health != nil {
			if err := health.Drain(ctx, host, s.Unit, drainFor); err != nil {
				return fmt.Errorf("cannot keep clients from it: %w", err)
			}
		}
		return provision.Calm(ctx, host, s.Unit)
	}
}

// sortLayers puts what others stand on before them.
func sortLayers(wishes []*wish) {
	slices.SortStableFunc(wishes, func(a, b *wish) int { return cmp.Compare(a.layer(), b.layer()) })
}

func (w *wish) layer() int {
	return layerOf(w.service.Target.Mode, w.service.Type, w.service.Configured)
}

// afterOthers has the steps that stand on other services wait for what is queued for those:
// a replica for its source, a balancer for the databases, an address for the balancer of its
// machine. A balancer that runs gets no database that is not ready; one that does not runs as
// soon as there is one to lead to.
func (m *Manager) afterOthers(w *wish, wishes []*wish) {
	managed, is := m.managed[keyOf(w.cluster, w.service)]
	if !is {
		return
	}
	var first []string // the verbs of which the first one waits
	var waitsFor func(*wish) bool
	switch layer := w.layer(); layer {
	case replicas:
		source, err := m.sourceOf(managed)
		if err != nil {
			return // which the step itself will say
		}
		first = []string{handlers.Replicate}
		waitsFor = func(o *wish) bool { return o.service.Target.Name == source.Name }
	case proxies:
		first = []string{handlers.Install, services.Start}
		waitsFor = func(o *wish) bool { return o.layer() < proxies && o.isDB() && (w.wanted.Up || o.layer() == sources) }
	case addresses:
		first = []string{handlers.Install, services.Start}
		waitsFor = func(o *wish) bool { return o.layer() == proxies && o.service.IP == w.service.IP }
	default:
		return
	}
	n := slices.IndexFunc(w.steps.Drafts, func(a actions.Action) bool { return slices.Contains(first, a.Do.Action) })
	if n < 0 {
		return
	}
	for _, other := range wishes {
		if last := len(other.ids) - 1; last >= 0 && other.cluster.Name == w.cluster.Name && waitsFor(other) {
			w.steps.Drafts[n].After = append(w.steps.Drafts[n].After, other.ids[last])
		}
	}
}

func (w *wish) isDB() bool { return w.service.Type == services.TypeDB }
