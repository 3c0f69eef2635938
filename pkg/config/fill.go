package config

import (
	"cmp"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"time"
)

// fill completes a Config without mistakes: defaults, what is merged over what,
// and what is looked up.
func (d *decoder) fill(c *Config) {
	d.fillManager(c)
	d.defaults(&c.Heartbeat)
	d.defaults(&c.Events)
	d.defaults(&c.Doctor)
	d.defaults(&c.Daemon)
	d.fillSSH(&c.SSH)
	d.fillRules(c.Rules)
	for i := range c.Repositories {
		d.defaults(&c.Repositories[i])
	}
	for i := range c.Modes {
		m := &c.Modes[i]
		d.fillInstall(m)
		if _, builtIn := d.known.Modes[m.Name]; builtIn {
			continue
		}
		d.defaults(m)
		switch {
		case m.HTTP != nil:
			d.defaults(m.HTTP)
		case m.Command != nil:
			d.defaults(m.Command)
		}
	}
	for i := range c.Clusters {
		d.fillCluster(c, &c.Clusters[i])
	}
}

func (d *decoder) fillRules(rules []Rule) {
	for i := range rules {
		r := &rules[i]
		d.defaults(r)
		switch {
		case r.Do.Command != nil:
			d.defaults(r.Do.Command)
		case r.Do.Script != nil:
			d.defaults(r.Do.Script)
		case r.Do.Alert != nil:
			d.defaults(r.Do.Alert)
		}
	}
}

func (d *decoder) fillManager(c *Config) {
	if !d.set(&c.Manager) {
		c.Manager, _ = os.Hostname()
		if c.Manager == "" {
			c.Manager = "localhost"
		}
	}
	if !d.set(&c.StateDir) {
		c.StateDir = d.paths.state()
	}
	if !d.set(&c.Store) {
		c.Store = "file:" + filepath.Join(c.StateDir, "store")
	}
}

func (d *decoder) fillSSH(s *SSH) {
	d.defaults(s)
	if !d.set(&s.KnownHosts) {
		s.KnownHosts = nil
		if d.paths.home != "" {
			s.KnownHosts = append(s.KnownHosts, filepath.Join(d.paths.home, ".ssh", "known_hosts"))
		}
		if global := "/etc/ssh/ssh_known_hosts"; exists(global) {
			s.KnownHosts = append(s.KnownHosts, global)
		}
	}
	if !d.set(&s.ConfigFile) && d.paths.home != "" {
		if file := filepath.Join(d.paths.home, ".ssh", "config"); exists(file) {
			s.ConfigFile = file
		}
	}
}

func (d *decoder) fillCluster(c *Config, cluster *Cluster) {
	d.defaults(&cluster.Cloud)
	d.inherit(&cluster.SSH, &c.SSH)
	d.defaults(&cluster.Database)
	d.defaults(&cluster.Health)
	d.fillWatch(cluster)
	d.defaults(&cluster.Replication)
	ips, names := map[string]netip.Addr{}, map[netip.Addr]string{}
	for i := range cluster.Instances {
		in := &cluster.Instances[i]
		ips[in.Name], names[in.IP] = in.IP, in.Name
	}
	for i := range cluster.Services {
		s := &cluster.Services[i]
		d.defaults(s)
		if s.Managed && d.known.Modes[s.Mode].Stats {
			d.defaults(&s.Balance)
		}
		if ip := s.VIP.AsSlice(); len(ip) > 0 && !d.set(&s.RouterID) {
			s.RouterID = max(int(ip[len(ip)-1]), 1)
		}
		d.inherit(&s.Database, &cluster.Database)
		if s.Instance != "" {
			s.IP = ips[s.Instance]
		} else {
			s.Instance = names[s.IP]
		}
		if !d.set(&s.Timeout) {
			s.Timeout = c.Heartbeat.ProbeTimeout
		} else if s.Timeout > c.Heartbeat.Deadline {
			d.warning(d.where(&s.Timeout), "the service %s may take longer than heartbeat.deadline, %s, which cuts it off",
				quoted(s.Name), formatDuration(c.Heartbeat.Deadline))
		}
		d.fillFromMode(s)
	}
	d.fillSeveral(cluster)
	for i := range cluster.Logs {
		d.fillLog(&cluster.Logs[i])
	}
}

func (d *decoder) fillFromMode(s *Service) {
	info, builtIn := d.known.Modes[s.Mode]
	if m := d.described[s.Mode]; m != nil {
		if builtIn {
			info.Unit, info.Packages = cmp.Or(m.Unit, info.Unit), m.Packages
		} else {
			info = ModeInfo{Type: m.Type, Port: m.Port, Unit: m.Unit, Packages: m.Packages}
		}
		if !d.set(&s.Repository) {
			s.Repository = m.Repository
		}
	}
	s.Type = info.Type
	if !d.set(&s.Port) {
		s.Port = info.Port
	}
	if !d.set(&s.Unit) {
		s.Unit = info.Unit
	}
	if !d.set(&s.Packages) {
		s.Packages = info.Packages
	}
	if !d.set(&s.Role) && s.Type != "db" && s.Type != "nosql" && !info.Roles {
		s.Role = "na"
	}
}

// fillInstall completes how services of a mode are installed.
func (d *decoder) fillInstall(m *Mode) {
	if m.Archive != nil {
		d.defaults(m.Archive)
	}
	if m.Recipe == nil {
		return
	}
	for i := range m.Recipe.Files {
		d.defaults(&m.Recipe.Files[i])
	}
}

// defaults gives the fields of the struct that ptr points to, where the file
// does not, what their tag says.
func (d *decoder) defaults(ptr any) {
	v := reflect.ValueOf(ptr).Elem()
	for _, r := range d.rules.of(v.Type()).fields {
		f := v.Field(r.index)
		if r.standard != "" && !d.set(f.Addr().Interface()) {
			setDefault(f, r.standard)
		}
	}
}

// setDefault reads a tag's default into a field. That every tag can be read is
// tested; here a mistake leaves the zero value.
func setDefault(f reflect.Value, standard string) {
	switch p := f.Addr().Interface().(type) {
	case *time.Duration:
		*p, _ = parseDuration(standard)
	case *int64:
		*p, _ = parseSize(standard)
	case *int:
		*p = atoi(standard)
	case *uint16:
		*p = uint16(atoi(standard)) //nolint:gosec // the tag's own
	case *bool:
		*p = standard == "true"
	case *string:
		*p = standard
	}
}

// inherit gives the fields of one struct, where the file does not, what another
// of the same type has.
func (d *decoder) inherit(ptr, from any) {
	v, base := reflect.ValueOf(ptr).Elem(), reflect.ValueOf(from).Elem()
	for _, r := range d.rules.of(v.Type()).fields {
		if f := v.Field(r.index); !d.set(f.Addr().Interface()) {
			f.Set(base.Field(r.index))
		}
	}
}
