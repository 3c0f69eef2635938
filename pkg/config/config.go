package config

import (
	"time"

	"github.com/clmgr/clmgr/pkg/secret"
)

// Config is the whole file, with defaults filled in, paths absolute and secrets
// read. The tags carry everything that is known of a key but its description,
// which stands in sample.yaml: yaml its name, default its default, enum, min,
// max and check what it may be.
type Config struct {
	Manager   string       `yaml:"manager" check:"name"`   // this manager's name; default: the host's
	StateDir  string       `yaml:"state_dir" check:"path"` // absolute; default /var/lib/clmgr as root, else $XDG_STATE_HOME/clmgr
	Store     string       `yaml:"store" check:"store"`    // URL; default file:<state_dir>/store
	StoreKey  secret.Value `yaml:"store_key"`              // signs what is kept in a shared store; never empty where Store is memcached's
	Heartbeat Heartbeat    `yaml:"heartbeat"`
	Actions   Actions      `yaml:"actions"`
	Events    Events       `yaml:"events"`
	Doctor    Doctor       `yaml:"doctor"`
	Daemon    Daemon       `yaml:"daemon"`
	Peers     Peers        `yaml:"peers"`
	Alerts    Alerts       `yaml:"alerts"`
	SSH       SSH          `yaml:"ssh"`
	Rules     []Rule       `yaml:"rules,keyed"` // in the order of the file
	// Repositories are where packages may come from besides those that machines know.
	Repositories []Repository `yaml:"repositories,keyed"`         // in the order of the file
	Modes        []Mode       `yaml:"modes,keyed"`                // in the order of the file
	Clusters     []Cluster    `yaml:"clusters,keyed" need:"true"` // in the order of the file

	// Warnings are what is allowed but unwise, sorted by position.
	Warnings []Problem `yaml:"-"`
}

// Heartbeat bounds one look at everything.
type Heartbeat struct {
	Deadline     time.Duration `yaml:"deadline" default:"10s"`
	ProbeTimeout time.Duration `yaml:"probe_timeout" default:"3s"`
	Width        int           `yaml:"width" default:"512" min:"1" max:"65536"` // probes at once
	FirstEvents  bool          `yaml:"first_events" default:"false"`            // events also when there is no earlier look
}

// Actions says how delayed actions are worked on.
type Actions struct {
	Lease        time.Duration `yaml:"lease" default:"30s" min:"1s"` // without a sign of life; others take over after 1.5 of it
	Time         time.Duration `yaml:"time" default:"45s" min:"1s"`  // a heartbeat goes on with what is due
	Limit        time.Duration `yaml:"limit" default:"10m" min:"1s"` // one step on a machine
	FirstDelay   time.Duration `yaml:"first_delay" default:"5s" min:"100ms"`
	LongestDelay time.Duration `yaml:"longest_delay" default:"5m" min:"100ms"` // at least FirstDelay
	Tries        int           `yaml:"tries" default:"8" min:"1" max:"1000"`
	Expires      time.Duration `yaml:"expires" default:"24h" min:"1m"`
	Keep         time.Duration `yaml:"keep" default:"7d" min:"1m"`
	Width        int           `yaml:"width" default:"32" min:"1" max:"65536"` // actions at once
}

// Daemon says how clmgr runs as a service.
type Daemon struct {
	Interval time.Duration `yaml:"interval" default:"10s" min:"100ms"`             // from the beginning of a heartbeat to that of the next
	Listen   string        `yaml:"listen" default:"127.0.0.1:9203" check:"listen"` // of /metrics and /healthz; "" for nowhere
	Drain    time.Duration `yaml:"drain" default:"30s"`                            // how long what is at work may go on when the daemon stops
	Programs string        `yaml:"programs" check:"path"`                          // absolute; a folder with clmgr-MACHINE for other architectures, "" for none
}

// Doctor is the scripts that events are handed to.
type Doctor struct {
	Scripts []string      `yaml:"scripts" check:"path"`           // absolute; executables, and folders of them
	Timeout time.Duration `yaml:"timeout" default:"30s" min:"1s"` // of one run of one script
}

// Events is the local event log.
type Events struct {
	Keep    time.Duration `yaml:"keep" default:"30d"`
	MaxSize int64         `yaml:"max_size" default:"64MiB" check:"size"` // bytes before the log is rotated
}

// SSH says how machines are reached. In a Cluster it is the global one with the
// cluster's own keys laid over it.
type SSH struct {
	User       string        `yaml:"user" check:"word"`        // "" leaves it to ssh_config, then root
	Port       uint16        `yaml:"port"`                     // 0 leaves it to ssh_config, then 22
	Keys       []string      `yaml:"keys" check:"path"`        // absolute; none leaves it to ssh_config, then ~/.ssh/id_*
	Agent      bool          `yaml:"agent" default:"true"`     // ask the agent at $SSH_AUTH_SOCK
	KnownHosts []string      `yaml:"known_hosts" check:"path"` // absolute; default ~/.ssh/known_hosts, then /etc/ssh/ssh_known_hosts where it exists
	HostKey    string        `yaml:"host_key" default:"strict" enum:"strict|accept-new|console"`
	ConfigFile string        `yaml:"config_file" check:"path-or-none"` // absolute, "" for none; default ~/.ssh/config where it exists
	Bastion    string        `yaml:"bastion" check:"bastion"`          // [user@]host[:port]
	Timeout    time.Duration `yaml:"timeout" default:"3s"`
	Width      int           `yaml:"width" default:"64" min:"1" max:"65536"` // logins at once; global only
}

// ClusterNames returns the names of the clusters in the order of the file.
func (c *Config) ClusterNames() []string {
	names := make([]string, len(c.Clusters))
	for i := range c.Clusters {
		names[i] = c.Clusters[i].Name
	}
	return names
}

// Cluster returns the cluster of that name, nil where there is none.
func (c *Config) Cluster(name string) *Cluster {
	for i := range c.Clusters {
		if c.Clusters[i].Name == name {
			return &c.Clusters[i]
		}
	}
	return nil
}

// Repository returns the repository of that name, nil where there is none.
func (c *Config) Repository(name string) *Repository {
	for i := range c.Repositories {
		if c.Repositories[i].Name == name {
			return &c.Repositories[i]
		}
	}
	return nil
}

// Mode returns what the file says of the mode of that name, nil where it says nothing
// (the mode may then be built in).
func (c *Config) Mode(name string) *Mode {
	for i := range c.Modes {
		if c.Modes[i].Name == name {
			return &c.Modes[i]
		}
	}
	return nil
}
