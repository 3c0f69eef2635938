package plan

import (
	"net/netip"
	"slices"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Rolled is a database and the machine it is on.
type Rolled struct {
	Name string
	IP   netip.Addr
}

// Rolling is a restart of databases, one after another, while the others serve.
type Rolling struct {
	Cluster  string
	Replicas []Rolled // to be restarted
	// Master is to be restarted too, while Candidate has its role; nil for no.
	Master, Candidate *Rolled
}

// The verbs of a Rolling.
const (
	restartReplica = "restart_replica"
	handOver       = "hand_over"
)

// Steps returns the steps in their order.
func (r Rolling) Steps() Steps {
	b := builder{w: Wish{Service: heartbeat.Service{Cluster: r.Cluster}}}
	b.out.Code = command.OK
	add := func(verb string, d Rolled, reason string) {
		b.add(command.Command{Level: string(heartbeat.Services), Action: verb, Group: d.Name},
			actions.Trigger{IP: d.IP, Kind: heartbeat.Instances, State: heartbeat.Running}, reason)
	}
	for _, d := range r.Replicas {
		add(restartReplica, d, "")
	}
	if r.Master != nil {
		add(handOver, *r.Candidate, "it takes the writes while "+r.Master.Name+" restarts")
		add(restartReplica, *r.Master, "")
		add(handOver, *r.Master, "it takes the writes by the configuration")
	}
	return b.out
}

// Restarts are the databases that are restarted.
func (r Rolling) Restarts() []Rolled {
	if r.Master == nil {
		return r.Replicas
	}
	return append(slices.Clone(r.Replicas), *r.Master)
}
