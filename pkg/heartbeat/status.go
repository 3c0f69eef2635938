package heartbeat

import (
	"net/netip"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
)

// Kind is what sort of thing an entry is about.
type Kind string

// The kinds. The first two are the seed's.
const (
	Instances Kind = "instances"
	Services  Kind = "services"
	Clusters  Kind = "clusters"
	Managers  Kind = "managers"
	VIPs      Kind = "vips"
	Scripts   Kind = "scripts" // of the doctor; their events tell how a run ended
	Peers     Kind = "peers"   // other managers, as their daemons watch one another
	Logs      Kind = "logs"    // lines of a journal or file; one event a line that matched
	Metrics   Kind = "metrics" // values of queries
	Units     Kind = "units"   // of systemd
	Hosts     Kind = "hosts"   // resources of a machine: disk, memory, swap
	Rules     Kind = "rules"   // what a rule did or would have done
	Alerts    Kind = "alerts"  // how a delivery ended
)

// Key names an entry; names are unique per cluster and kind.
type Key struct {
	Cluster string
	Kind    Kind
	Name    string
}

// States of an instance.
const (
	Pending      = "pending"
	Running      = "running"
	Stopping     = "stopping"
	Stopped      = "stopped"
	ShuttingDown = "shutting-down"
	Terminated   = "terminated"
	Unreachable  = "unreachable"
	Absent       = "absent"
	// Unknown is not a state of the machine: it was never seen.
	Unknown = "unknown"
)

// States of a condition.
const (
	Seeing       = "seeing"        // a manager that sees its machines
	Isolated     = "isolated"      // a manager to which most went silent at once
	Consistent   = "consistent"    // a cluster with no more writable primaries than configured; a virtual address on one machine
	TwoPrimaries = "two-primaries" // a cluster with more
	VIPUnheld    = "vip-unheld"    // a virtual address that no machine has
	VIPConflict  = "vip-conflict"  // one that several have
)

// ExitZero is the state of a script that took its events.
const ExitZero = "exit 0"

// Roles a service may have, in the seed's words.
const (
	Master = "master"
	Slave  = "slave"
	NA     = "na"
)

// Sight is how an entry of a Look came about.
type Sight uint8

// The sights.
const (
	Seen   Sight = iota // something answered, or its absence is certain
	Silent              // nothing answered: the fault may be anywhere on the way
	Blind               // not looked at: out of time, or the provider did not tell
	Told                // known without a try, from the provider or the operator
)

// Instance is a machine.
type Instance struct {
	Cluster  string
	ID       string     // the provider's id; for LOCAL the configured name
	Name     string     // the configured name, where there is one
	IP       netip.Addr // zero where it has none
	State    string
	Provider string // what the provider says; empty for LOCAL
	SSH      string // how far SSH came: "ok" or the stage it failed at; empty where not tried
	Reason   string // why it is not running, one line
	Stale    bool   // State is from an earlier look
	At       time.Time
	Facts    map[string]any
	Sight    Sight // of a Look; not part of the document
}

// Key returns the entry's key.
func (i *Instance) Key() Key { return Key{i.Cluster, Instances, i.ID} }

// Point returns what events compare.
func (i *Instance) Point() Point { return Point{State: i.State} }

// Service is something that runs on a machine.
type Service struct {
	Cluster    string
	Name       string
	IP         netip.Addr
	Mode       string
	Code       command.Code
	State      string     // the text of Code; other texts of old documents are kept
	Role       string     // the role seen, else the last known, else the configured one
	Configured string     // the role the configuration gives it; may be empty
	Writable   bool       // a database that takes writes and replicates from nobody
	VIP        netip.Addr // the virtual address it guards; zero for none
	HoldsVIP   *bool      // whether its machine has that address; nil where that is not known
	Reason     string
	Stale      bool
	At         time.Time
	Facts      map[string]any
	Sight      Sight
}

// Key returns the entry's key.
func (s *Service) Key() Key { return Key{s.Cluster, Services, s.Name} }

// Point returns what events compare.
func (s *Service) Point() Point { return Point{State: s.State, Code: s.Code, Role: s.Role} }

// Condition is a judgement over many entries: is the manager isolated, has the
// cluster more writable primaries than it should, is a virtual address where it
// should be.
type Condition struct {
	Cluster string
	Kind    Kind // Clusters, Managers or VIPs
	Name    string
	State   string
	Reason  string
}

// Key returns the entry's key.
func (c *Condition) Key() Key { return Key{c.Cluster, c.Kind, c.Name} }

// Point returns what events compare.
func (c *Condition) Point() Point { return Point{State: c.State} }

// Amiss tells whether the condition is one that somebody should look at.
func (c *Condition) Amiss() bool {
	switch c.State {
	case Isolated, TwoPrimaries, VIPUnheld, VIPConflict:
		return true
	}
	return false
}

// Host is the machine the manager runs on.
type Host struct {
	Interfaces []Interface
	RAM        string // in MiB
}

// Interface is a network interface of the manager's machine.
type Interface struct {
	Name, IP, State string
}

// Cloud is a cluster's cloud settings, secrets masked.
type Cloud struct {
	Cluster  string
	Settings map[string]string
}

// API is how much a look used of a provider's API.
type API struct {
	Cluster  string
	Calls    int       // made by this look
	LastHour int       // made by all who share the cache
	Listed   time.Time // when the last complete listing was asked for
}

// Status is one snapshot: of one cluster where it is stored and compared, of
// several where it is printed.
type Status struct {
	At         time.Time
	Command    command.Command
	Manager    string
	Host       Host
	Clouds     []Cloud
	APIs       []API
	Conditions []Condition
	Instances  []Instance
	Services   []Service
}

// Look is what one heartbeat saw of one cluster.
type Look struct {
	Status
	Cluster string
	// Primaries is how many databases the configuration names master.
	Primaries int
	// Whole says that no filter left anything out, Complete that the provider
	// listed everything: only both together make an entry that is not there a
	// removed one.
	Whole, Complete bool
	// Vantage are hosts outside the filter that were tried only to tell a dead
	// machine from a manager that sees nothing.
	Vantage []Vantage
}

// Vantage is one such host.
type Vantage struct {
	IP    netip.Addr
	Sight Sight
}

// Join puts the statuses of several clusters into one, in their order.
func Join(parts ...Status) Status {
	var all Status
	for i, p := range parts {
		if i == 0 {
			all = Status{At: p.At, Command: p.Command, Manager: p.Manager, Host: p.Host}
		}
		if p.At.After(all.At) {
			all.At = p.At
		}
		all.Clouds = append(all.Clouds, p.Clouds...)
		all.APIs = append(all.APIs, p.APIs...)
		all.Conditions = append(all.Conditions, p.Conditions...)
		all.Instances = append(all.Instances, p.Instances...)
		all.Services = append(all.Services, p.Services...)
	}
	return all
}

// Only returns the status with those instances and services that cover holds
// the keys of; an instance's may be by its configured name.
func (s Status) Only(cover map[Key]bool) Status {
	out := s
	out.Instances = pick(s.Instances, func(i *Instance) bool {
		return cover[i.Key()] || cover[Key{i.Cluster, Instances, i.Name}]
	})
	out.Services = pick(s.Services, func(v *Service) bool { return cover[v.Key()] })
	return out
}

// pick returns those of the list that are wanted, in a list of its own.
func pick[E any](list []E, wanted func(*E) bool) []E {
	out := make([]E, 0, len(list))
	for n := range list {
		if wanted(&list[n]) {
			out = append(out, list[n])
		}
	}
	return out
}

// WithoutFacts returns the status without what moves by itself.
func (s Status) WithoutFacts() Status {
	s.APIs = nil
	s.Instances = append([]Instance(nil), s.Instances...)
	for i := range s.Instances {
		s.Instances[i].Facts = nil
	}
	s.Services = append([]Service(nil), s.Services...)
	for i := range s.Services {
		s.Services[i].Facts = nil
	}
	return s
}

// Healthy tells whether everything in s is seen and running. A machine that is
// stopped because the operator said so is as it should be.
func (s Status) Healthy() bool {
	for _, i := range s.Instances {
		if i.Stale || i.State != Running && (i.State != Stopped || i.Provider != "") {
			return false
		}
	}
	for _, v := range s.Services {
		if v.Stale || (v.Code != command.OK && v.Code != command.Stopped) {
			return false
		}
	}
	for _, c := range s.Conditions {
		if c.Amiss() {
			return false
		}
	}
	return true
}
