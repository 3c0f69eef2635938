package config

import "hash/crc32"

// slowestClone is the least rate of a copy: its connection must not look dead.
const slowestClone = 1 << 20

// checkReplication refuses a rate at which no copy would come to its end.
func (k *checker) checkReplication() {
	if r := &k.cluster.Replication; k.set(&r.CloneRate) && r.CloneRate < slowestClone && !k.bad[&r.CloneRate] {
		k.problem(k.where(&r.CloneRate), "the clone_rate %s is less than %s", formatSize(r.CloneRate), formatSize(slowestClone))
	}
}

// checkManaged checks what clmgr is to install: it must be on a machine of the cluster,
// and databases must have server ids of their own.
func (k *checker) checkManaged(s *Service, ids map[int]string) {
	if !s.Managed {
		return
	}
	if s.Instance == "" && s.IP.IsValid() && !k.isMachine(s) {
		k.problem(k.where(&s.Managed), "%s is managed, but on no instance of the cluster %s", called("service", s.Name), quoted(k.cluster.Name))
	}
	info := k.known.Modes[s.Mode]
	if info.VIP && !k.set(&s.VIP) {
		k.problem(k.where(&s.Managed, &s.Name), "%s is managed: it needs a vip, the virtual address that it guards", called("service", s.Name))
	}
	if info.Stats {
		k.checkBalanced(s)
	}
	if info.Type != "db" {
		return
	}
	k.checkAccounts(s)
	if !k.set(&s.ServerID) {
		s.ServerID = serverID(s.Name)
	}
	if other, taken := ids[s.ServerID]; taken {
		k.problem(k.where(&s.ServerID, &s.Name, s), "%s has the server_id %d of %s: give one of them another", called("service", s.Name), s.ServerID, quoted(other))
	}
	ids[s.ServerID] = s.Name
}

// checkBalanced wants a managed balancer to have databases that it can ask, and ports of
// its own.
func (k *checker) checkBalanced(s *Service) {
	at := k.where(&s.Balance, &s.Managed, &s.Name)
	if !k.hasManagedDatabase() {
		k.problem(at, "%s is managed, and the cluster %s has no managed database that it could lead to", called("service", s.Name), quoted(k.cluster.Name))
	}
	taken := map[uint16]string{}
	for _, p := range []struct {
		name     string
		ptr      *uint16
		standard uint16
	}{{"write", &s.Balance.Write, 3307}, {"read", &s.Balance.Read, 3308}, {"page", &s.Balance.Page, 8404}} {
		port := p.standard
		if k.set(p.ptr) {
			port = *p.ptr
		}
		if other, is := taken[port]; is || port == 0 {
			k.problem(k.where(p.ptr, &s.Balance, &s.Name), "%s has the port %d for %s in balance%s", called("service", s.Name), port, p.name, also(other))
		}
		taken[port] = p.name
	}
}

func also(other string) string {
	if other == "" {
		return ", which is none"
	}
	return " and for " + other + " too"
}

func (k *checker) hasManagedDatabase() bool {
	for i := range k.cluster.Services {
		if s := &k.cluster.Services[i]; s.Managed && k.known.Modes[s.Mode].Type == "db" {
			return true
		}
	}
	return false
}

// checkAccounts wants the accounts that clmgr is to make in a database.
func (k *checker) checkAccounts(s *Service) {
	at, all := k.where(&s.Managed, &s.Name), k.cluster
	if !k.set(&s.Database.User) && !k.set(&all.Database.User) || !k.set(&s.Database.Password) && !k.set(&all.Database.Password) {
		k.problem(at, "%s is managed: its database needs user and password, the account that clmgr makes to look at it", called("service", s.Name))
	}
	user := all.Database.User
	if k.set(&s.Database.User) {
		user = s.Database.User
	}
	if user == "root" || user == "mysql" || user != "" && user == all.Replication.User {
		k.problem(at, "%s is managed: clmgr makes the account of its database, %s, which must be neither the server's own nor that of replication", called("service", s.Name), quoted(user))
	}
	if s.Role == "slave" && (!k.set(&all.Replication.User) || !k.set(&all.Replication.Password)) {
		k.problem(at, "%s is a managed replica: the cluster's replication needs user and password, the account that it logs in with", called("service", s.Name))
	}
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
