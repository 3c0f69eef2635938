package collect

import (
	"net/netip"
	"sort"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Local is the group of what runs on the manager's own machine.
const Local = "local"

// Selection is what a command's group and type cover of one cluster.
type Selection struct {
	Whole    bool // nothing is left out
	Machines map[string]bool
	Services map[string]bool
}

// Empty tells whether nothing is covered.
func (s Selection) Empty() bool { return len(s.Machines) == 0 && len(s.Services) == 0 }

// Keys returns the keys covered, of the cluster of that name.
func (s Selection) Keys(cluster string) map[heartbeat.Key]bool {
	out := make(map[heartbeat.Key]bool, len(s.Machines)+len(s.Services))
	for name := range s.Machines {
		out[heartbeat.Key{Cluster: cluster, Kind: heartbeat.Instances, Name: name}] = true
	}
	for name := range s.Services {
		out[heartbeat.Key{Cluster: cluster, Kind: heartbeat.Services, Name: name}] = true
	}
	return out
}

// Select applies the command's group and type to a cluster. A group names a
// service, a machine, an ip or the cluster, or is all or local; what it names
// brings along the machines of its services and the services of its machines,
// but a service brings only itself and its machine. A type limits the services,
// and the machines to theirs. own are the manager's addresses.
func Select(c Cluster, cmd command.Command, own []netip.Addr) Selection {
	cmd = cmd.Normal()
	out := Selection{Machines: map[string]bool{}, Services: map[string]bool{}}
	if cmd.Cluster != "" && cmd.Cluster != c.Name {
		return out
	}
	everything := cmd.Group == command.All || cmd.Group == c.Name
	out.Whole = everything && cmd.Type == command.All
	byIP := map[netip.Addr]string{}
	for _, m := range c.Machines {
		byIP[m.SSH.IP] = m.Name
		if cmd.Type == command.All && (everything || onHost(cmd.Group, m.Name, m.SSH.IP, own)) {
			out.Machines[m.Name] = true
		}
	}
	for _, s := range c.Services {
		named := everything || cmd.Group == s.Target.Name || onHost(cmd.Group, byIP[s.IP], s.IP, own)
		typed := cmd.Type == command.All || cmd.Type == s.Type || cmd.Type == s.Target.Mode
		if !named || !typed {
			continue
		}
		out.Services[s.Target.Name] = true
		if name, ok := byIP[s.IP]; ok {
			out.Machines[name] = true
		}
	}
	return out
}

// onHost tells whether the group means the machine of that name and ip.
func onHost(group, name string, ip netip.Addr, own []netip.Addr) bool {
	if group == Local {
		for _, a := range own {
			if a == ip {
				return true
			}
		}
		return false
	}
	return group == name && name != "" || group == ip.String()
}

// Groups and Types return the words a filter may be, for an error that helps.
func Groups(clusters []Cluster) []string {
	words := map[string]bool{command.All: true, Local: true}
	for _, c := range clusters {
		words[c.Name] = true
		for _, m := range c.Machines {
			words[m.Name], words[m.SSH.IP.String()] = true, true
		}
		for _, s := range c.Services {
			words[s.Target.Name], words[s.IP.String()] = true, true
		}
	}
	return sorted(words)
}

// Types returns the types and modes that the clusters have services of.
func Types(clusters []Cluster) []string {
	words := map[string]bool{command.All: true}
	for _, c := range clusters {
		for _, s := range c.Services {
			words[s.Type], words[s.Target.Mode] = true, true
		}
	}
	return sorted(words)
}

func sorted(words map[string]bool) []string {
	out := make([]string, 0, len(words))
	for w := range words {
		out = append(out, w)
	}
	sort.Strings(out)
	return out
}
