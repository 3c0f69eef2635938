package config

// checkBalancer checks the keys that only some modes take: vip, stats, balance and
// router_id.
func (k *checker) checkBalancer(s *Service) {
	info, builtIn := k.known.Modes[s.Mode]
	if !builtIn && k.described[s.Mode] == nil {
		return // there is no such mode, which is said already
	}
	if k.set(&s.VIP) && !info.VIP {
		k.problem(k.where(&s.VIP), "%s has a vip, which means nothing to the mode %s", called("service", s.Name), quoted(s.Mode))
	}
	if k.set(&s.Stats) && !info.Stats {
		k.problem(k.where(&s.Stats), "%s has stats, which mean nothing to the mode %s", called("service", s.Name), quoted(s.Mode))
	}
	if k.set(&s.Balance) && !info.Stats {
		k.problem(k.where(&s.Balance), "%s has balance, which means nothing to the mode %s", called("service", s.Name), quoted(s.Mode))
	}
	if k.set(&s.RouterID) && !info.VIP {
		k.problem(k.where(&s.RouterID), "%s has a router_id, which means nothing to the mode %s", called("service", s.Name), quoted(s.Mode))
	}
	if k.bad[&s.Stats] {
		return
	}
	k.checkVIP(s)
	k.checkStats(s)
}

// checkVIP refuses a virtual address that is a machine's own: every look would find
// it held there.
func (k *checker) checkVIP(s *Service) {
	for i := range k.cluster.Instances {
		if in := &k.cluster.Instances[i]; s.VIP.IsValid() && in.IP == s.VIP {
			k.problem(k.where(&s.VIP), "the vip of %s is the own ip of %s", called("service", s.Name), called("instance", in.Name))
		}
	}
}

// checkStats wants a socket, or a page with its port.
func (k *checker) checkStats(s *Service) {
	page, socket := k.set(&s.Stats.Path), k.set(&s.Stats.Socket)
	switch {
	case page && socket:
		k.problem(k.where(&s.Stats.Path), "%s has both socket and path in stats, wanted one of them", called("service", s.Name))
	case !page && !socket && k.set(&s.Stats):
		k.problem(k.where(&s.Stats), "%s has neither socket nor path in stats, wanted one of them", called("service", s.Name))
	}
	if page && !k.set(&s.Stats.Port) {
		k.problem(k.where(&s.Stats.Path), "%s has a stats page without a port", called("service", s.Name))
	}
	for _, key := range []struct {
		name string
		ptr  any
	}{{"port", &s.Stats.Port}, {"user", &s.Stats.User}, {"password", &s.Stats.Password}} {
		if k.set(key.ptr) && !page {
			k.problem(k.where(key.ptr), "%s has %s in stats without path, the page that it belongs to", called("service", s.Name), key.name)
		}
	}
}
