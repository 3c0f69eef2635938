// Package config is the YAML file: its types, defaults and validation.
package config

import (
	"net/netip"
	"time"

	"github.com/clmgr/clmgr/pkg/secret"
)

// Config is the whole file, with defaults filled in.
type Config struct {
	Manager   string             `yaml:"manager"`   // this manager's name; default: the host's
	StateDir  string             `yaml:"state_dir"` // default /var/lib/clmgr as root, else $XDG_STATE_HOME/clmgr
	Store     string             `yaml:"store"`     // URL; default file:<state_dir>/store
	Heartbeat Heartbeat          `yaml:"heartbeat"`
	Events    Events             `yaml:"events"`
	SSH       SSH                `yaml:"ssh"`
	Modes     map[string]Mode    `yaml:"modes"`
	Clusters  map[string]Cluster `yaml:"clusters"`
}

// Heartbeat bounds one look at everything.
type Heartbeat struct {
	Deadline     time.Duration `yaml:"deadline"`      // default 10s
	ProbeTimeout time.Duration `yaml:"probe_timeout"` // default 3s
	Width        int           `yaml:"width"`         // probes at once, default 512
	FirstEvents  bool          `yaml:"first_events"`  // events also when there is no earlier look
}

// Events is the local event log.
type Events struct {
	Keep    time.Duration `yaml:"keep"`     // default 720h
	MaxSize int64         `yaml:"max_size"` // bytes before the log is rotated, default 64MiB; YAML takes "64MiB"
}

// SSH says how machines are reached; a cluster overrides key by key.
type SSH struct {
	User       string        `yaml:"user"`
	Port       uint16        `yaml:"port"`
	Keys       []string      `yaml:"keys"`
	Agent      bool          `yaml:"agent"` // default true
	KnownHosts []string      `yaml:"known_hosts"`
	HostKey    string        `yaml:"host_key"`    // strict (default) | accept-new
	ConfigFile string        `yaml:"config_file"` // default ~/.ssh/config where it exists; "none"
	Bastion    string        `yaml:"bastion"`
	Timeout    time.Duration `yaml:"timeout"` // default 3s
	Width      int           `yaml:"width"`   // logins at once, default 64; global only
}

// Mode describes a service mode that is not built in: one of TCP, HTTP and Command.
type Mode struct {
	Type    string       `yaml:"type"` // db|nosql|proxy|lb|bench|other
	Port    uint16       `yaml:"port"` // default for its services
	TCP     *TCPMode     `yaml:"tcp"`
	HTTP    *HTTPMode    `yaml:"http"`
	Command *CommandMode `yaml:"command"`
}

// TCPMode, HTTPMode and CommandMode mirror services.TCPCheck and its like.
type TCPMode struct {
	Send   string `yaml:"send"`
	Expect string `yaml:"expect"`
}

// HTTPMode is a check over HTTP.
type HTTPMode struct {
	Method string `yaml:"method"`
	Path   string `yaml:"path"`
	Host   string `yaml:"host"`
	TLS    bool   `yaml:"tls"`
	Status int    `yaml:"status"`
	Expect string `yaml:"expect"`
}

// CommandMode is a check by a command on the machine.
type CommandMode struct {
	Run    string `yaml:"run"`
	Exit   int    `yaml:"exit"`
	Expect string `yaml:"expect"`
}

// Cluster is a set of machines and services that belong together.
type Cluster struct {
	Cloud     Cloud      `yaml:"cloud"`
	SSH       SSH        `yaml:"ssh"` // merged over the global one
	Database  Login      `yaml:"database"`
	Instances []Instance `yaml:"instances"`
	Services  []Service  `yaml:"services"`
}

// Cloud holds the seed's cloud settings. Only driver is required (default LOCAL).
type Cloud struct {
	Driver string `yaml:"driver"` // LOCAL; EC2 to come
}

// Login is how databases are logged in to.
type Login struct {
	User     string       `yaml:"user"`
	Password secret.Value `yaml:"password"` // "text", {env: NAME} or {file: PATH}
	TLS      string       `yaml:"tls"`      // off (default) | preferred | skip-verify | required
}

// Instance is a machine.
type Instance struct {
	Name  string     `yaml:"name"`
	IP    netip.Addr `yaml:"ip"`
	State string     `yaml:"state"` // "stopped": the operator's word that it is off on purpose; not probed
	SSH   struct {
		User string `yaml:"user"`
		Port uint16 `yaml:"port"`
	} `yaml:"ssh"`
}

// Service is something that runs on a machine.
type Service struct {
	Name     string        `yaml:"name"`
	Mode     string        `yaml:"mode"`
	Instance string        `yaml:"instance"` // one of instance and ip
	IP       netip.Addr    `yaml:"ip"`       // filled in from instance
	Port     uint16        `yaml:"port"`     // default of the mode
	Role     string        `yaml:"role"`     // master|slave|na
	Via      string        `yaml:"via"`      // direct (default) | ssh
	Database Login         `yaml:"database"` // merged over the cluster's
	Timeout  time.Duration `yaml:"timeout"`  // default heartbeat.probe_timeout
}
