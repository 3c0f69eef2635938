package manager

import (
	"cmp"
	"slices"
	"strings"

	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
	"github.com/clmgr/clmgr/pkg/monitor"
	"github.com/clmgr/clmgr/pkg/remote"
)

// machineLoops are the loops that watch metrics, units and resources as the configuration
// says, none where it names nothing of a kind.
func (m *Manager) machineLoops() ([]*monitor.Loop, error) {
	o := monitor.Options{Manager: m.name, Store: m.stores.own, Tell: m.tell, Mask: m.mask.Text}
	var metrics []monitor.Metric
	var units []monitor.Units
	var hosts []monitor.Host
	for n := range m.cfg.Clusters {
		c, cl := &m.cfg.Clusters[n], m.clusters[n]
		queries, err := metricsOf(c)
		if err != nil {
			return nil, err
		}
		metrics = append(metrics, queries...)
		for at, i := range c.Instances {
			if i.State == "stopped" {
				continue // the operator's word that it is off
			}
			machine := monitor.Machine{Cluster: c.Name, Name: i.Name, IP: i.IP, Runner: m.watchedHost(cl, cl.Machines[at].SSH)}
			if u, some := unitsOf(c, machine); some {
				units = append(units, u)
			}
			h, some, err := hostOf(c, machine)
			if err != nil {
				return nil, err
			}
			if some {
				hosts = append(hosts, h)
			}
		}
	}
	var loops []*monitor.Loop
	for _, l := range []*monitor.Loop{monitor.WatchMetrics(o, metrics), monitor.WatchUnits(o, units), monitor.WatchHosts(o, hosts)} {
		if l.Len() > 0 {
			loops = append(loops, l)
		}
	}
	return loops, nil
}

// watchedHost runs the commands of watchers on a machine: without SSH where it is this
// one.
func (m *Manager) watchedHost(cl collect.Cluster, machine remote.Machine) *remote.Host {
	machine.Here = machine.Here || slices.Contains(m.own, machine.IP)
	return m.pool.Host(cl.SSH, machine)
}

// metricsOf are the metrics of a cluster.
func metricsOf(c *config.Cluster) ([]monitor.Metric, error) {
	var out []monitor.Metric
	for _, x := range c.Metrics {
		typ := monitor.Type(x.Type)
		compare, err1 := monitor.ParseComparison(x.Compare, typ)
		until, err2 := monitor.ParseComparison(x.Until, typ)
		within, err3 := monitor.ParseRange(x.Range)
		if err := cmp.Or(err1, err2, err3); err != nil {
			return nil, err
		}
		q := monitor.Metric{
			Cluster: c.Name, Name: x.Name, Query: x.Query, Machine: x.Instance,
			Source: monitor.Source{URL: x.URL, User: x.User, Password: x.Password, Token: x.Token},
			Every:  x.Interval, Timeout: x.Timeout, Type: typ, Label: x.Label, Compare: compare, Until: until,
			Change: x.Change, For: x.For, Range: within, AbsentIsOK: x.Absent == "ok",
			Acted: x.Remember == "acted", Repeat: x.Repeat, Severity: x.Severity,
		}
		for _, i := range c.Instances {
			if i.Name == x.Instance {
				q.IP = i.IP
			}
		}
		out = append(out, q)
	}
	return out, nil
}

// unitsOf are the units that are watched on a machine: those that are named, and those of
// its services. What is named says how severe it is.
func unitsOf(c *config.Cluster, machine monitor.Machine) (monitor.Units, bool) {
	u := c.Units
	if u == nil {
		return monitor.Units{}, false
	}
	machine.Every, machine.Timeout = u.Interval, u.Timeout
	out := monitor.Units{Machine: machine, Settle: u.Settle, Calm: u.Calm, Restarts: u.Restarts}
	known := map[string]bool{"": true}
	add := func(unit, severity string) {
		if unit = fullName(unit); !known[unit] {
			known[unit] = true
			out.Units = append(out.Units, monitor.Unit{Name: unit, Severity: severity})
		}
	}
	for _, w := range u.Watch {
		if len(w.Instances) == 0 || slices.Contains(w.Instances, machine.Name) {
			add(w.Unit, w.Severity)
		}
	}
	for _, s := range c.Services {
		if u.Services && s.Instance == machine.Name {
			add(s.Unit, monitor.Critical)
		}
	}
	return out, len(out.Units) > 0
}

// fullName is the name of a unit as systemd understands it: of a service where it says
// nothing else.
func fullName(unit string) string {
	kinds := []string{"service", "socket", "target", "timer", "mount", "automount", "path", "slice", "scope", "device", "swap"}
	if unit == "" || slices.Contains(kinds, unit[strings.LastIndexByte(unit, '.')+1:]) {
		return unit
	}
	return unit + ".service"
}

// hostOf is what is watched of a machine's resources.
func hostOf(c *config.Cluster, machine monitor.Machine) (out monitor.Host, some bool, err error) {
	h := c.Host
	if h == nil || len(h.Instances) > 0 && !slices.Contains(h.Instances, machine.Name) {
		return out, false, nil
	}
	limits := func(s string) monitor.Limits {
		l, bad := monitor.ParseLimits(s)
		err = cmp.Or(err, bad)
		return l
	}
	machine.Every, machine.Timeout = h.Interval, h.Timeout
	out = monitor.Host{
		Machine: machine, Disk: limits(h.Disk), Inodes: limits(h.Inodes), Ramdisk: limits(h.Ramdisk),
		Memory: limits(h.Memory), Swap: limits(h.Swap), Load: limits(h.Load), Clear: float64(h.Clear), For: h.For,
	}
	for _, x := range h.Mounts {
		out.Mounts = append(out.Mounts, monitor.Mount{Path: x.Path, Blocks: limits(x.Disk), Inodes: limits(x.Inodes)})
	}
	return out, true, err
}
