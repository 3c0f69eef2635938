package config

import "net/netip"

// several are the databases of one machine that may be more than one there.
type several struct {
	info  ModeInfo
	list  []*Service // managed
	taken bool       // somebody else's has the mode's unit
}

// fillSeveral gives the managed databases of each machine units and ports to be asked at of
// their own. The mode's own unit has the one on the mode's port, else the first; of the
// others each has an instance of it by its name.
func (d *decoder) fillSeveral(c *Cluster) {
	machines := map[netip.Addr]*several{}
	var order []*several
	for i := range c.Services {
		s := &c.Services[i]
		info := d.known.Modes[s.Mode]
		if !info.Several || !s.IP.IsValid() {
			continue
		}
		m := machines[s.IP]
		if m == nil {
			m = &several{info: info}
			machines[s.IP] = m
			order = append(order, m)
		}
		if s.Managed {
			m.list = append(m.list, s)
		}
		m.taken = m.taken || s.Unit == info.Unit && (!s.Managed || d.set(&s.Unit))
	}
	for _, m := range order {
		d.fillUnits(m)
		d.fillHealthPorts(c, m)
		d.checkSeveral(m)
	}
}

func (d *decoder) fillUnits(m *several) {
	var own *Service
	for _, s := range m.list {
		if !d.set(&s.Unit) && (own == nil || s.Port == m.info.Port && own.Port != m.info.Port) {
			own = s
		}
	}
	for _, s := range m.list {
		if !d.set(&s.Unit) && (s != own || m.taken) {
			s.Unit = m.info.Unit + "@" + s.Name
		}
	}
}

// fillHealthPorts has an instance answer as far from the cluster's port as its own port is
// from the mode's: whoever is beside it does not matter.
func (d *decoder) fillHealthPorts(c *Cluster, m *several) {
	for _, s := range m.list {
		if d.set(&s.HealthPort) {
			continue
		}
		s.HealthPort = c.Health.Port
		if s.Unit != m.info.Unit {
			s.HealthPort += s.Port - m.info.Port // in 16 bits, as checkSeveral finds where it matters
		}
	}
}

// checkSeveral wants what each has for itself to be its own.
func (d *decoder) checkSeveral(m *several) {
	units, ports := map[string]string{}, map[uint16]string{}
	for _, s := range m.list {
		if other, is := units[s.Unit]; is {
			d.problem(d.where(&s.Unit, &s.Name), "%s has the unit %s of %s on the same machine: give one of them another", called("service", s.Name), s.Unit, quoted(other))
		}
		units[s.Unit] = s.Name
		if other, is := ports[s.Port]; is {
			d.problem(d.where(&s.Port, &s.Name), "%s has the port %d of %s on the same machine: give one of them another", called("service", s.Name), s.Port, quoted(other))
			continue
		}
		ports[s.Port] = s.Name
		if other, is := ports[s.HealthPort]; is {
			d.problem(d.where(&s.HealthPort, &s.Name), "%s answers balancers at the port %d of %s on the same machine: give it another health_port",
				called("service", s.Name), s.HealthPort, quoted(other))
		}
		ports[s.HealthPort] = s.Name
	}
}
