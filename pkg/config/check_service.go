package config

func (k *checker) checkServices() {
	names, ids := map[string]place{}, map[int]string{}
	for i := range k.cluster.Services {
		s := &k.cluster.Services[i]
		if k.bad[s] {
			continue
		}
		k.checkName("service", s.Name, &s.Name, s, names)
		k.checkPlace(s)
		k.checkServiceMode(s)
		k.checkBalancer(s)
		k.checkUnit(s)
		k.checkManaged(s, ids)
		k.checkOwn(s)
		k.checkRecipe(s)
	}
}

// checkPlace checks where a service runs: exactly one of instance and ip.
func (k *checker) checkPlace(s *Service) {
	byName, byIP := k.set(&s.Instance), k.set(&s.IP)
	switch {
	case byName && byIP:
		k.problem(k.where(&s.IP), "%s has both instance and ip, wanted one of them", called("service", s.Name))
	case !byName && !byIP:
		k.problem(k.where(&s.Name, s), "%s has neither instance nor ip, wanted one of them", called("service", s.Name))
	case byName && s.Instance == "" && !k.bad[&s.Instance]:
		k.problem(k.where(&s.Instance), "%s has an empty instance", called("service", s.Name))
	}
	if s.Instance != "" && !k.has[s.Instance] {
		k.problem(k.where(&s.Instance), "%s is on the instance %s, which the cluster %s does not have%s",
			called("service", s.Name), quoted(s.Instance), quoted(k.cluster.Name), k.choices(s.Instance, k.instances))
	}
}

func (k *checker) checkServiceMode(s *Service) {
	at := k.where(&s.Mode, &s.Name, s)
	if s.Mode == "" {
		if !k.bad[&s.Mode] {
			k.problem(at, "%s has no mode%s", called("service", s.Name), k.choices("", k.modes))
		}
		return
	}
	info, builtIn := k.known.Modes[s.Mode]
	port, needed := info.Port, !info.NoPort
	if !builtIn {
		m := k.described[s.Mode]
		if m == nil {
			k.problem(at, "%s has the unknown mode %s%s", called("service", s.Name), quoted(s.Mode), k.choices(s.Mode, k.modes))
			return
		}
		port, needed = m.Port, m.Command == nil
	}
	if needed && port == 0 && !k.set(&s.Port) {
		k.problem(k.where(&s.Name, s), "%s has no port, and its mode %s has no default", called("service", s.Name), quoted(s.Mode))
	}
}
