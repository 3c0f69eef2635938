package e2e_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
)

// conf is a configuration file.
type conf struct {
	StateDir  string              `yaml:"state_dir"`
	Manager   string              `yaml:"manager"`
	Store     string              `yaml:"store,omitempty"`
	StoreKey  string              `yaml:"store_key,omitempty"`
	Heartbeat map[string]any      `yaml:"heartbeat"`
	Actions   map[string]any      `yaml:"actions,omitempty"`
	Doctor    map[string]any      `yaml:"doctor,omitempty"`
	Daemon    map[string]any      `yaml:"daemon,omitempty"`
	Alerts    map[string]any      `yaml:"alerts,omitempty"`
	Peers     map[string]any      `yaml:"peers,omitempty"`
	SSH       map[string]any      `yaml:"ssh"`
	Modes     map[string]any      `yaml:"modes,omitempty"`
	Rules     map[string]any      `yaml:"rules,omitempty"`
	Clusters  map[string]*cluster `yaml:"clusters"`
}

type cluster struct {
	Automatic bool           `yaml:"automatic,omitempty"`
	NCC       bool           `yaml:"ncc,omitempty"`
	Cloud     map[string]any `yaml:"cloud,omitempty"`
	SSH       map[string]any `yaml:"ssh,omitempty"`
	Database  map[string]any `yaml:"database,omitempty"`

	Replication map[string]any `yaml:"replication,omitempty"`
	Health      map[string]any `yaml:"health,omitempty"`
	Instances   []instance     `yaml:"instances,omitempty"`
	Services    []service      `yaml:"services,omitempty"`

	Logs    []map[string]any `yaml:"logs,omitempty"`
	Metrics []map[string]any `yaml:"metrics,omitempty"`
}

type instance struct {
	Name  string         `yaml:"name"`
	IP    string         `yaml:"ip"`
	State string         `yaml:"state,omitempty"`
	SSH   map[string]any `yaml:"ssh,omitempty"`
}

type service struct {
	Name     string `yaml:"name"`
	Mode     string `yaml:"mode"`
	Instance string `yaml:"instance,omitempty"`
	IP       string `yaml:"ip,omitempty"`
	Port     int    `yaml:"port,omitempty"`
	Unit     string `yaml:"unit,omitempty"`
	Role     string `yaml:"role,omitempty"`
	Via      string `yaml:"via,omitempty"`
	VIP      string `yaml:"vip,omitempty"`
	Managed  bool   `yaml:"managed,omitempty"`
	MemPct   int    `yaml:"mem_pct,omitempty"`
	Template string `yaml:"template,omitempty"`
	Watchdog string `yaml:"watchdog,omitempty"`

	Settings []string       `yaml:"settings,omitempty"`
	Database map[string]any `yaml:"database,omitempty"`
}

// manager is one clmgr: its configuration, and the folder for what it remembers.
type manager struct {
	t    *testing.T
	file string
	conf
}

// newManager makes a manager that has never looked at anything. Where the
// configuration names no folder to remember in, it gets a new one.
func newManager(t *testing.T, c conf) *manager {
	t.Helper()
	dir := t.TempDir()
	if c.StateDir == "" {
		c.StateDir = filepath.Join(dir, "state")
	}
	if c.Manager == "" {
		c.Manager = "watcher"
	}
	m := &manager{t: t, file: filepath.Join(dir, "clmgr.yaml"), conf: c}
	m.configure()
	return m
}

// configure writes the configuration as it is now.
func (m *manager) configure() {
	m.t.Helper()
	text, err := yaml.Marshal(m.conf)
	must(m.t, err)
	must(m.t, os.WriteFile(m.file, text, 0o600))
}

// hasten makes the manager wait so long for what is silent.
func (m *manager) hasten(after string) {
	m.t.Helper()
	m.Heartbeat["probe_timeout"], m.SSH["timeout"] = after, after
	m.configure()
}

// patience is how long the sample waits for what is silent: on a busy machine a login
// takes seconds.
const patience = "6s"

// run runs clmgr with the manager's configuration.
func (m *manager) run(args ...string) answer {
	m.t.Helper()
	return clmgr(m.t, "", append([]string{"-c", m.file}, args...)...)
}

// pipe gives clmgr commands on standard input.
func (m *manager) pipe(stdin string, args ...string) answer {
	m.t.Helper()
	return clmgr(m.t, stdin, append([]string{"-c", m.file}, args...)...)
}

// start starts clmgr.
func (m *manager) start(args ...string) *process {
	m.t.Helper()
	return start(m.t, nil, append([]string{"-c", m.file}, args...)...)
}

// heartbeat looks, which must end with the exit code, and returns the document.
func (m *manager) heartbeat(code int, args ...string) document {
	m.t.Helper()
	a := m.run(append([]string{"-o", "json", "instances", "heartbeat"}, args...)...).want(m.t, code)
	return parse(m.t, a.stdout)
}

// record is the path of what the manager remembers of a cluster.
func (m *manager) record(cluster string) string {
	return filepath.Join(m.StateDir, "store", "status+"+cluster+"+"+m.Manager+".json")
}

// log returns the event log.
func (m *manager) log() []event {
	m.t.Helper()
	return parse(m.t, m.run("-o", "json", "events", "list").want(m.t, 0).stdout).Events
}
