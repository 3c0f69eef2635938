package actions

import (
	"net/netip"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// label and place find entries by cluster and name, or by cluster and ip.
type label struct{ cluster, name string }

type place struct {
	cluster string
	ip      netip.Addr
}

// index finds the entries of a status.
type index struct {
	status   *heartbeat.Status
	ids      map[label]int32 // instances by id
	names    map[label]int32 // and by name
	ips      map[place]int32 // and by ip: of several the one that is not gone
	services map[label]int32
	on       map[place][]int32 // services by ip
	isolated map[string]string // clusters to which this manager is cut off, with the reason
}

func newIndex(s heartbeat.Status) *index {
	x := &index{
		status: &s, ids: make(map[label]int32, len(s.Instances)), names: make(map[label]int32, len(s.Instances)),
		ips: make(map[place]int32, len(s.Instances)), services: make(map[label]int32, len(s.Services)),
		on: make(map[place][]int32, len(s.Instances)), isolated: make(map[string]string),
	}
	for n := range s.Instances {
		i := &s.Instances[n]
		x.ids[label{i.Cluster, i.ID}] = int32(n)
		if old, taken := x.names[label{i.Cluster, i.Name}]; i.Name != "" && (!taken || gone(s.Instances[old].State)) {
			x.names[label{i.Cluster, i.Name}] = int32(n)
		}
		if old, taken := x.ips[place{i.Cluster, i.IP}]; i.IP.IsValid() && (!taken || gone(s.Instances[old].State)) {
			x.ips[place{i.Cluster, i.IP}] = int32(n)
		}
	}
	for n := range s.Services {
		v := &s.Services[n]
		x.services[label{v.Cluster, v.Name}] = int32(n)
		if v.IP.IsValid() {
			p := place{v.Cluster, v.IP}
			x.on[p] = append(x.on[p], int32(n))
		}
	}
	for _, c := range s.Conditions {
		if c.Kind == heartbeat.Managers && c.State == heartbeat.Isolated {
			x.isolated[c.Cluster] = c.Reason
		}
	}
	return x
}

// at returns the machine at an ip, nil for none.
func (x *index) at(cluster string, ip netip.Addr) *heartbeat.Instance {
	if n, ok := x.ips[place{cluster, ip}]; ok {
		return &x.status.Instances[n]
	}
	return nil
}

// machine returns the machine with an id, a name or an ip, nil for none.
func (x *index) machine(cluster, group string) *heartbeat.Instance {
	k := label{cluster, group}
	if n, ok := x.ids[k]; ok {
		return &x.status.Instances[n]
	}
	if n, ok := x.names[k]; ok {
		return &x.status.Instances[n]
	}
	if ip, err := netip.ParseAddr(group); err == nil {
		return x.at(cluster, ip)
	}
	return nil
}

func (x *index) service(cluster, name string) *heartbeat.Service {
	if n, ok := x.services[label{cluster, name}]; ok {
		return &x.status.Services[n]
	}
	return nil
}

// gone tells whether a machine in that state will not come back as the same one.
func gone(state string) bool {
	return state == heartbeat.Terminated || state == heartbeat.ShuttingDown || state == heartbeat.Absent
}
