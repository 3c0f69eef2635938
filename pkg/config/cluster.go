package config

import (
	"net/netip"
	"time"

	"github.com/clmgr/clmgr/pkg/secret"
)

// Cluster is a set of machines and services that belong together. Names and
// machine addresses are unique within it, not between clusters.
type Cluster struct {
	Name string `yaml:"-" check:"name"` // its key in the file
	// Automatic lets clmgr act here by itself; without it, it tells what it would have done.
	Automatic bool `yaml:"automatic" default:"false"`
	// NCC has clmgr itself run on the machines of managed services.
	NCC      bool  `yaml:"ncc" default:"false"`
	Cloud    Cloud `yaml:"cloud"`
	SSH      SSH   `yaml:"ssh" without:"width"` // merged over the global one
	Database Login `yaml:"database"`
	// Replication is how the replicas of managed databases log in to what they follow.
	Replication Replication `yaml:"replication"`
	Health      Health      `yaml:"health"`
	Instances   []Instance  `yaml:"instances"`
	Services    []Service   `yaml:"services"`
	// Metrics, Units and Host are what the daemon watches beside the heartbeat.
	Metrics []Metric `yaml:"metrics"`
	Units   *Units   `yaml:"units"` // nil: none
	Host    *Host    `yaml:"host"`  // nil: none
	Logs    []Log    `yaml:"logs"`
}

// Cloud holds where the cluster's machines come from, in the words of the 2012
// documents. With LOCAL all but Driver is only carried to the status document, and
// so is with EC2 what it has no use for.
type Cloud struct {
	Driver         string        `yaml:"driver" default:"LOCAL" check:"driver"`
	APICache       time.Duration `yaml:"api_cache" default:"60s"`
	ElasticIP      string        `yaml:"elastic_ip"`
	Endpoint       string        `yaml:"endpoint" check:"word"`
	ExVDC          string        `yaml:"ex_vdc"`
	Host           string        `yaml:"host"`
	InstanceType   string        `yaml:"instance_type"`
	Key            string        `yaml:"key"`
	Password       secret.Value  `yaml:"password"`
	Profile        string        `yaml:"profile" check:"word"`
	PublicKey      string        `yaml:"public_key"`
	Region         string        `yaml:"region"`
	SecurityGroups string        `yaml:"security_groups"`
	Status         string        `yaml:"status"`
	Subnet         string        `yaml:"subnet"`
	Template       string        `yaml:"template"`
	User           string        `yaml:"user"`
	Version        string        `yaml:"version"`
	VPC            string        `yaml:"vpc"`
	Zone           string        `yaml:"zone"`
}

// Login is how databases are logged in to.
type Login struct {
	User     string       `yaml:"user"`
	Password secret.Value `yaml:"password"` // in the file: text, {env: NAME} or {file: PATH}
	TLS      string       `yaml:"tls" default:"off" enum:"off|preferred|skip-verify|required"`
}

// Replication is how managed replicas follow: the account that clmgr makes for them, and
// what they and their source wait for.
type Replication struct {
	User     string       `yaml:"user" check:"account"`
	Password secret.Value `yaml:"password"` // in the file: text, {env: NAME} or {file: PATH}
	// SemiSync has a commit wait until a replica has written what it changed to its own disk,
	// for SemiSyncTimeout at most.
	SemiSync        bool          `yaml:"semi_sync" default:"false"`
	SemiSyncTimeout time.Duration `yaml:"semi_sync_timeout" default:"10s"`
	CloneRate       int64         `yaml:"clone_rate"` // bytes a second that a copy of data may take; 0: no bound
}

// Health is where managed databases tell balancers whether they take writes and reads,
// and when a replica gets no more reads.
type Health struct {
	Port   uint16        `yaml:"port" default:"9200"`
	MaxLag time.Duration `yaml:"max_lag" default:"30s"`
}

// Instance is a machine.
type Instance struct {
	Name  string      `yaml:"name" check:"name" need:"true"`
	IP    netip.Addr  `yaml:"ip" need:"true"`
	State string      `yaml:"state" enum:"stopped"` // "stopped": the operator's word that it is off on purpose; not probed
	SSH   InstanceSSH `yaml:"ssh"`
	Here  bool        `yaml:"here" default:"false"` // clmgr runs on it, and reaches it without SSH
}

// InstanceSSH is where one machine differs from its cluster. Zero values do not.
type InstanceSSH struct {
	User string `yaml:"user" check:"word"`
	Port uint16 `yaml:"port"`
}

// Service is something that runs on a machine.
type Service struct {
	Name string `yaml:"name" check:"name" need:"true"`
	Mode string `yaml:"mode" need:"true"` // a built-in mode, or one of Config.Modes
	Type string `yaml:"-"`                // its mode's: db, nosql, proxy, lb, bench or other
	// Instance and IP: the file gives one of them. IP is then filled in from
	// the instance, and Instance where one of the cluster has that ip.
	Instance string     `yaml:"instance" one:"true"`
	IP       netip.Addr `yaml:"ip" one:"true"`
	Port     uint16     `yaml:"port"` // default: the mode's; 0 only for a mode checked by a command
	Role     string     `yaml:"role" enum:"master|slave|na"`
	Via      string     `yaml:"via" default:"direct" enum:"direct|ssh"`
	Unit     string     `yaml:"unit" check:"unit"`        // default: the mode's; "" for a mode with commands or without either
	Managed  bool       `yaml:"managed" default:"false"`  // clmgr may install and configure it
	Packages []string   `yaml:"packages" check:"package"` // that a managed one needs; default: the mode's
	// Repository is where they come from, besides those that the machine knows; default: the mode's.
	Repository string `yaml:"repository" check:"name"`
	// Template is a file that a managed haproxy, keepalived or memcache makes its
	// configuration of, instead of clmgr's own; Text is what Load read there.
	Template string `yaml:"template" check:"path"`
	Text     string `yaml:"-"`
	// Settings are further ones of a managed mariadb, each "name" or "name = value".
	Settings []string `yaml:"settings" check:"setting"`
	MemPct   int      `yaml:"mem_pct" min:"1" max:"90"` // of its machine's memory that a managed one may use; 0: the mode's share
	// HealthPort is where a managed database answers balancers; default: the cluster's for the
	// mode's own unit.
	HealthPort uint16        `yaml:"health_port"`
	ServerID   int           `yaml:"server_id" min:"1" max:"2147483647"` // of a managed database, unique in the cluster; default: of its name
	Database   Login         `yaml:"database"`                           // merged over the cluster's
	Timeout    time.Duration `yaml:"timeout"`                            // default heartbeat.probe_timeout
	Watchdog   time.Duration `yaml:"watchdog" min:"1s"`                  // without an answer, until what runs is restarted; 0: never
	VIP        netip.Addr    `yaml:"vip"`                                // for keepalived: the virtual address it guards
	Stats      Stats         `yaml:"stats"`                              // for haproxy
	Balance    Balance       `yaml:"balance"`                            // for a managed haproxy
	RouterID   int           `yaml:"router_id" min:"1" max:"255"`        // for a managed keepalived; default: the last byte of its vip
}

// Balance is where clients reach the databases through a managed haproxy; zeroes for
// anything else.
type Balance struct {
	Write uint16 `yaml:"write" default:"3307"`
	Read  uint16 `yaml:"read" default:"3308"`
	Page  uint16 `yaml:"page" default:"8404"` // of its statistics, on the loopback address
}

// Stats is where an haproxy tells how its servers do: on a socket of its machine or
// on an HTTP page.
type Stats struct {
	Socket   string       `yaml:"socket" check:"socket" one:"true"`
	Path     string       `yaml:"path" check:"urlpath" one:"true"` // "" for the socket
	Port     uint16       `yaml:"port"`                            // of the page; never 0 after Load where Path is set
	User     string       `yaml:"user"`
	Password secret.Value `yaml:"password"` // in the file: text, {env: NAME} or {file: PATH}
}
