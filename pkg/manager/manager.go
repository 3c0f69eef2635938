package manager

import (
	"context"
	"fmt"
	"net/netip"
	"os"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/actions/runner"
	"github.com/clmgr/clmgr/pkg/alert/send"
	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/doctor"
	"github.com/clmgr/clmgr/pkg/eventlog"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/secret"
	"github.com/clmgr/clmgr/pkg/store"
)

// Manager executes commands for one configuration. Its methods may be used by
// several goroutines at once.
type Manager struct {
	cfg       *config.Config
	name      string
	clusters  []collect.Cluster
	wrap      Wrap
	stores    stores
	log       *eventlog.Log
	pool      *remote.Pool
	collector *collect.Collector
	mask      secret.Masker
	ledger    *ledger.Ledger
	runner    *runner.Runner
	doctor    *doctor.Doctor
	alerts    *send.Sender
	words     actions.Words
	managed   map[heartbeat.Key]managedService
	programs  map[string]provision.Program // that may be copied to machines, by their kind
	progress  func(done, total int)
	waiting   func(done, total int)
	acted     func(do, move, reason string)
	rules     rulesOf
	told      bell // rings when events were written here

	host heartbeat.Host
	own  []netip.Addr
}

// Options are what a Manager can be told besides its configuration.
type Options struct {
	// Progress is called while a look goes on, with how many entries have been
	// seen of how many; nil for nobody.
	Progress func(done, total int)
	// Waiting is called while machines are changed, with how many are done of
	// how many; nil for nobody.
	Waiting func(done, total int)
	// Acted is called as things happen to actions that are waited for: what an action
	// does, its move, and why; nil for nobody.
	Acted func(do, move, reason string)
	// Wrap is for tests.
	Wrap Wrap
}

// Wrap puts something around what the manager works with, so that a test can
// count, delay or kill there; nil for nothing.
type Wrap struct {
	Shared, Own func(store.Store) store.Store
	Driver      func(cloud.Driver) cloud.Driver
	Machine     func(job.Machine) job.Machine // on which actions run commands
}

// New makes a Manager. Nothing is contacted yet. Close it after use.
func New(ctx context.Context, cfg *config.Config, opts Options) (*Manager, error) {
	name := cfg.Manager
	if name == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("cannot name this manager: %w; set the key manager in the configuration", err)
		}
		name = host
	}
	documents, err := openStores(ctx, cfg, opts.Wrap)
	if err != nil {
		return nil, err
	}
	log, err := eventlog.Open(cfg.StateDir, eventlog.Options{Keep: cfg.Events.Keep, MaxSize: cfg.Events.MaxSize})
	if err != nil {
		return nil, err
	}
	clusters, err := clustersOf(cfg, documents.shared)
	if err != nil {
		return nil, err
	}
	if opts.Wrap.Driver != nil {
		for n := range clusters {
			clusters[n].Driver = opts.Wrap.Driver(clusters[n].Driver)
		}
	}
	pool := remote.NewPool(remote.Options{Width: cfg.SSH.Width})
	host, own := collect.ThisHost()
	m := &Manager{
		cfg: cfg, name: name, wrap: opts.Wrap, clusters: clusters, stores: documents, log: log, pool: pool,
		collector: collect.New(name, pool, cfg.Heartbeat.Width),
		mask:      secret.NewMasker(cfg.Secrets()...), progress: opts.Progress, waiting: opts.Waiting, acted: opts.Acted,
		host: host, own: own,
	}
	m.doctor, m.words = m.newDoctor(), wordsOf(clusters)
	m.words.Scripts = scriptsOf(cfg)
	m.managed, m.programs = managedOf(cfg), programsOf(cfg)
	if m.alerts, err = m.newAlerts(); err != nil {
		return nil, err
	}
	m.startActing()
	if m.rules, err = newRules(m); err != nil {
		return nil, err
	}
	return m, nil
}

// Close ends the connections the Manager holds.
func (m *Manager) Close() error { return m.pool.Close() }
