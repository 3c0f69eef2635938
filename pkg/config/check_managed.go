package config

import "hash/crc32"

// checkManaged checks what clmgr is to install: it must be on a machine of the cluster,
// and databases must have server ids of their own.
func (k *checker) checkManaged(s *Service, ids map[int]string) {
	if !s.Managed {
		return
	}
	if s.Instance == "" && s.IP.IsValid() && !k.isMachine(s) {
		k.problem(k.where(&s.Managed), "%s is managed, but on no instance of the cluster %s", called("service", s.Name), quoted(k.cluster.Name))
	}
	if k.known.Modes[s.Mode].Type != "db" {
		return
	}
	if !k.set(&s.ServerID) {
		s.ServerID = serverID(s.Name)
	}
	if other, taken := ids[s.ServerID]; taken {
		k.problem(k.where(&s.ServerID, &s.Name, s), "%s has the server_id %d of %s: give one of them another", called("service", s.Name), s.ServerID, quoted(other))
	}
	ids[s.ServerID] = s.Name
}

func (k *checker) isMachine(s *Service) bool {
	for i := range k.cluster.Instances {
		if k.cluster.Instances[i].IP == s.IP {
			return true
		}
	}
	return false
}

// serverID makes the id of a database that is given none from its name, so that it
// stays the same whatever else is in the file.
func serverID(name string) int {
	return int(crc32.ChecksumIEEE([]byte(name))&0x7fffffff | 1)
}
