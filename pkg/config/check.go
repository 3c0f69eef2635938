package config

import (
	"net/netip"
	"slices"
	"strings"
)

// check looks at what the values say to each other: names, references, and what
// is missing. Values that were wrong by themselves are reported already and are
// left alone.
func (d *decoder) check(c *Config) {
	d.checkStore(c)
	d.checkActions(&c.Actions)
	d.checkRules(c)
	d.checkPeers(&c.Peers)
	d.checkAlerts(&c.Alerts)
	modes := d.modeNames(c)
	reserved := d.reserved(modes)
	for i := range c.Repositories {
		d.repositories = append(d.repositories, c.Repositories[i].Name)
	}
	d.checkRepositories(c)
	d.described = map[string]*Mode{}
	for i := range c.Modes {
		d.described[c.Modes[i].Name] = &c.Modes[i]
		d.checkMode(&c.Modes[i])
	}
	if len(c.Clusters) == 0 && !d.bad[&c.Clusters] {
		d.problem(d.where(&c.Clusters), "the file describes no cluster: a mapping clusters with at least one is wanted")
	}
	for i := range c.Clusters {
		cluster := &c.Clusters[i]
		d.checkReserved("cluster", cluster.Name, d.where(&cluster.Name), reserved)
		if !d.bad[cluster] {
			d.checkCluster(cluster, modes, reserved)
		}
	}
}

// types are the words for kinds of modes that a command may filter by.
func types() []string { return []string{"db", "nosql", "proxy", "lb", "bench", "other"} }

// reserved returns the words, in lower case, that a command's group or type may
// be, with what they are: nothing else can have such a name.
func (d *decoder) reserved(modes []string) map[string]string {
	words := map[string]string{}
	for _, m := range modes {
		words[strings.ToLower(m)] = "a mode"
	}
	for _, t := range types() {
		words[t] = "a type of services"
	}
	words["all"] = "a group"
	words["local"] = "a group"
	return words
}

func (d *decoder) checkReserved(kind, name string, at place, reserved map[string]string) {
	if what, ok := reserved[strings.ToLower(name)]; ok {
		d.problem(at, "%s cannot be the name of a %s: it is %s in commands", quoted(name), kind, what)
	}
	if _, err := netip.ParseAddr(name); err == nil {
		d.problem(at, "%s cannot be the name of a %s: in commands it is an ip", quoted(name), kind)
	}
}

func (d *decoder) checkMode(m *Mode) {
	at := d.where(&m.Name)
	if info, builtIn := d.known.Modes[m.Name]; builtIn {
		d.checkBuiltIn(m, info)
		return
	}
	if name := strings.ToLower(m.Name); slices.Contains(types(), name) || name == "all" || name == "local" {
		d.problem(at, "%s cannot be the name of a mode: it has another meaning in commands", quoted(m.Name))
	}
	if d.bad[m] {
		return
	}
	d.checkSteering(m)
	d.checkInstalled(m)
	checks := 0
	for _, given := range []bool{m.TCP != nil, m.HTTP != nil, m.Command != nil} {
		if given {
			checks++
		}
	}
	if checks != 1 {
		d.problem(at, "the mode %s has %d of tcp, http and command, wanted exactly one", quoted(m.Name), checks)
	}
	if m.Command != nil && m.Command.Run == "" && !d.bad[m.Command] {
		d.problem(d.where(&m.Command.Run, &m.Command), "the mode %s has a command without run, the line to run", quoted(m.Name))
	}
}

// checkBuiltIn lets the file say how services of a built-in mode are installed, where clmgr
// does not know, and nothing else.
func (d *decoder) checkBuiltIn(m *Mode, info ModeInfo) {
	given := m.Type != "" || m.Port != 0 || m.TCP != nil || m.HTTP != nil || m.Command != nil || m.Start != "" || m.Stop != "" || m.Restart != ""
	if given || m.Recipe == nil || d.bad[m] {
		d.problem(d.where(&m.Name), "the mode %s is built in and cannot be described again; it may be given a recipe, and its unit and packages", quoted(m.Name))
		return
	}
	if len(info.Packages) > 0 {
		d.problem(d.where(&m.Recipe), "the mode %s takes no recipe: clmgr lays it out itself; template and settings of its services change that", quoted(m.Name))
	}
	d.checkInstalled(m)
}

// checker is one cluster being checked.
type checker struct {
	*decoder
	cluster   *Cluster
	modes     []string
	reserved  map[string]string
	instances []string        // names, in the order of the file
	has       map[string]bool // the same as a set
}

func (d *decoder) checkCluster(cluster *Cluster, modes []string, reserved map[string]string) {
	k := checker{decoder: d, cluster: cluster, modes: modes, reserved: reserved, has: map[string]bool{}}
	if len(cluster.Instances) == 0 && len(cluster.Services) == 0 && !d.bad[&cluster.Instances] && !d.bad[&cluster.Services] {
		d.problem(d.where(&cluster.Name), "the cluster %s has neither instances nor services", quoted(cluster.Name))
	}
	if d.set(&cluster.SSH.Width) {
		d.problem(d.where(&cluster.SSH.Width), "width holds for all clusters together; it belongs under the ssh at the top of the file")
	}
	k.checkCloud()
	k.checkReplication()
	k.checkInstances()
	k.checkHere()
	k.checkServices()
	k.checkMetrics()
	k.checkUnits()
	k.checkHost()
	k.checkLogs()
}

func (k *checker) checkInstances() {
	names, ips := map[string]place{}, map[netip.Addr]place{}
	for i := range k.cluster.Instances {
		in := &k.cluster.Instances[i]
		if k.bad[in] {
			continue
		}
		k.checkName("instance", in.Name, &in.Name, in, names)
		if in.Name != "" {
			k.has[in.Name] = true
			k.instances = append(k.instances, in.Name)
		}
		at := k.where(&in.IP, in)
		if !k.set(&in.IP) {
			k.problem(at, "%s has no ip", called("instance", in.Name))
		} else if in.IP.IsValid() {
			if first, twice := ips[in.IP]; twice {
				k.problem(at, "the ip %s is an instance's already at line %d", in.IP, first.line)
			} else {
				ips[in.IP] = at
			}
		}
	}
}

// checkHere has clmgr run on one machine of a cluster at most.
func (k *checker) checkHere() {
	var first *Instance
	for i := range k.cluster.Instances {
		switch in := &k.cluster.Instances[i]; {
		case !in.Here:
		case first == nil:
			first = in
		default:
			k.problem(k.where(&in.Here, in), "clmgr cannot run on both %s and %s: only one is here", quoted(first.Name), quoted(in.Name))
		}
	}
}

// checkName checks the name of an instance or service that itself stands at item.
func (k *checker) checkName(kind, name string, ptr *string, item any, seen map[string]place) {
	at := k.where(ptr, item)
	if name == "" {
		if !k.set(ptr) {
			k.problem(at, "this %s has no name", kind)
		}
		return
	}
	k.checkReserved(kind, name, at, k.reserved)
	if first, twice := seen[name]; twice {
		k.problem(at, "the %s name %s is used twice; the first stands at line %d", kind, quoted(name), first.line)
		return
	}
	seen[name] = at
}
