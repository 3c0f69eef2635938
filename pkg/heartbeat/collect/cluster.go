package collect

import (
	"net/netip"
	"time"

	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/services"
)

// Cluster is one cluster as the configuration describes it, ready to be looked at.
type Cluster struct {
	Name     string
	Driver   cloud.Driver
	Cloud    map[string]string // settings as they are shown, secrets masked
	SSH      *remote.Settings
	Machines []Machine
	Services []Service
}

// Machine is where the SSH server of an instance is.
type Machine struct {
	Name string
	SSH  remote.Machine
}

// Service is a service and how to reach it.
type Service struct {
	Target     services.Target
	IP         netip.Addr
	Type       string // db, nosql, proxy, lb, bench, other
	Configured string // the role the configuration gives it
	ViaSSH     bool   // reach its port through the machine's SSH connection
	Timeout    time.Duration
	Control    services.Control // how it is started and stopped
}

// MachineAt returns the machine at ip; one that is not an instance of the cluster
// is reached with the cluster's settings.
func (c *Cluster) MachineAt(ip netip.Addr) Machine {
	for _, m := range c.Machines {
		if m.SSH.IP == ip {
			return m
		}
	}
	return Machine{SSH: remote.Machine{IP: ip}}
}

// primaries counts the databases configured as master.
func (c *Cluster) primaries() int {
	n := 0
	for _, s := range c.Services {
		if s.Type == services.TypeDB && s.Configured == heartbeat.Master {
			n++
		}
	}
	return n
}
