package config

// checkSteering checks how a described mode's services are started: by a unit or
// by commands.
func (d *decoder) checkSteering(m *Mode) {
	unit, start, stop, restart := d.set(&m.Unit), d.set(&m.Start), d.set(&m.Stop), d.set(&m.Restart)
	switch {
	case unit && (start || stop || restart):
		d.problem(d.where(&m.Unit), "the mode %s has both a unit and commands (start, stop, restart), wanted one of them", quoted(m.Name))
	case start && !stop:
		d.problem(d.where(&m.Start), "the mode %s has start without stop", quoted(m.Name))
	case stop && !start:
		d.problem(d.where(&m.Stop), "the mode %s has stop without start", quoted(m.Name))
	case restart && !start:
		d.problem(d.where(&m.Restart), "the mode %s has restart without start and stop", quoted(m.Name))
	}
}

// checkUnit refuses a unit for a service that its mode starts by commands.
func (k *checker) checkUnit(s *Service) {
	m := k.described[s.Mode]
	if m != nil && k.set(&s.Unit) && k.set(&m.Start) {
		k.problem(k.where(&s.Unit), "%s has a unit, but its mode %s is started by commands", called("service", s.Name), quoted(s.Mode))
	}
}
