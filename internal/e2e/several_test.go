package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

// TestSeveralDatabases has two replicas on one machine, semi-synchronous, beside a balancer on
// the other one. The packages come once, a second start does nothing, and one goes while the
// other stays.
func TestSeveralDatabases(t *testing.T) {
	t.Parallel()
	s := &site{Lab: labtest.Mixed(t, lab.Spec{Name: "m1", Image: lab.Databases()}, lab.Spec{Name: "m2", Image: lab.Debian12()})}
	m := newManager(t, conf{
		Heartbeat: map[string]any{"deadline": "20s", "probe_timeout": patience},
		Actions:   map[string]any{"lease": "10s", "time": "40s", "first_delay": "1s", "longest_delay": "2s"},
		SSH:       s.ssh(),
		Clusters: map[string]*cluster{"demo": {
			Database:    map[string]any{"user": "clmgr", "password": "canary-of-the-database"},
			Replication: map[string]any{"user": "copies", "password": "canary-of-the-copies", "semi_sync": true, "semi_sync_timeout": "3s", "clone_rate": "50MiB"},
			Instances:   []instance{{Name: "m1", IP: s.ip("m1")}, {Name: "m2", IP: s.ip("m2")}},
			Services: []service{
				{Name: "db1", Mode: "mariadb", Instance: "m1", Role: "master", Managed: true},
				{Name: "db3", Mode: "mariadb", Instance: "m2", Port: 3309, Role: "slave", Managed: true},
				{Name: "db2", Mode: "mariadb", Instance: "m2", Role: "slave", Managed: true},
				{Name: "lb1", Mode: "haproxy", Instance: "m1", Managed: true},
			},
		}},
	})
	m.run("services", "start", "all")
	m.untilOver(t)
	for _, name := range []string{"db1", "db2", "db3", "lb1"} {
		if e := m.heartbeat(0).service(t, name); e.Code != "000000" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if got := s.on(t, "m2", "grep -c ' install mariadb-backup:' /var/log/dpkg.log"); got != "1" {
		t.Errorf("the package was installed %s times", got)
	}
	const db3 = "mariadb --socket=/run/mysqld-db3/mysqld.sock -NB"
	if got := s.on(t, "m2", db3+" -e 'SELECT @@port, @@datadir'"); got != "3309\t/var/lib/mysql-db3/" {
		t.Errorf("db3 is %s", got)
	}
	ids := s.sql(t, "m1", "SELECT @@server_id") + " " + s.sql(t, "m2", "SELECT @@server_id") + " " + s.on(t, "m2", db3+" -e 'SELECT @@server_id'")
	if f := strings.Fields(ids); len(f) != 3 || f[0] == f[1] || f[1] == f[2] || f[0] == f[2] {
		t.Errorf("the ids of the servers are %s", ids)
	}
	if got := s.sql(t, "m1", "SHOW GLOBAL STATUS WHERE Variable_name IN ('Rpl_semi_sync_master_clients', 'Rpl_semi_sync_master_status')"); got != "Rpl_semi_sync_master_clients\t2\nRpl_semi_sync_master_status\tON" {
		t.Errorf("semi-synchronous replication: %s", got)
	}
	b := &balanced{site: s}
	b.shop(t)
	const count = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop'"
	eventually(t, "the table on both replicas", func() bool {
		return s.sql(t, "m2", count) == "1" && s.on(t, "m2", db3+` -e "`+count+`"`) == "1"
	})
	eventually(t, "both replicas in the balancer", func() bool {
		return s.on(t, "m1", `perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new("/run/haproxy/admin.sock"); print $s "show stat\n"; while (<$s>) { @f = split /,/; print "$f[1] " if $f[0] eq "reads" && $f[17] =~ /^UP/ && $f[1] =~ /^db/ }'`) == "db1 db3 db2"
	})

	before := s.everything(t)
	m.run("services", "start", "all", "--wait").want(t, 0)
	if after := s.everything(t); after != before {
		t.Errorf("a second start changed\n%s\nto\n%s", before, after)
	}
	m.run("services", "sync", "db3", "--yes", "--wait").want(t, 0)
	m.run("services", "restart", "db3", "--wait").want(t, 0)
	m.run("services", "remove", "db3", "--yes", "--wait").want(t, 0)
	if got := s.on(t, "m2", "ls -d /var/lib/mysql-* /etc/mysql/clmgr* 2>/dev/null; systemctl is-active mariadb clmgr-health mariadb@db3 clmgr-health@db3 || true"); got != "active\nactive\ninactive\ninactive" {
		t.Errorf("after one was removed: %s", got)
	}
	if e := m.heartbeat(3).service(t, "db2"); e.Code != "000000" {
		t.Errorf("db2: %+v", e)
	}
}

// untilOver runs heartbeats until everything that was queued is done, and runs.
func (m *manager) untilOver(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(4 * time.Minute); ; {
		a := m.run("-o", "json", "instances", "heartbeat")
		var d struct {
			Queue struct{ Failed, Running, Waiting int }
		}
		must(t, json.Unmarshal([]byte(a.stdout), &d))
		if a.code == 0 && d.Queue.Failed+d.Queue.Running+d.Queue.Waiting == 0 {
			return
		}
		if d.Queue.Failed > 0 || time.Now().After(end) {
			t.Fatalf("the queue holds %+v\n%s", d.Queue, m.run("-o", "table", "actions", "list").stdout)
		}
	}
}
