package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

// byHand installs a MariaDB as somebody would who has never heard of clmgr.
const byHand = `export DEBIAN_FRONTEND=noninteractive
apt-get -q install -y --no-install-recommends mariadb-server >/dev/null 2>&1 || { apt-get -q update && apt-get -q install -y --no-install-recommends mariadb-server; } >/dev/null
if [ "$own" ]; then printf '%s\n' "$own" >/etc/mysql/mariadb.conf.d/60-own.cnf; systemctl restart mariadb; fi
systemctl enable --quiet --now mariadb
`

const ownSettings = `[mariadbd]
bind-address = 0.0.0.0
skip_name_resolve = 1
server_id = 77
log_bin = own-bin
relay_log = own-relay
log_slave_updates = 1
binlog_format = MIXED
`

// changes are what a dry run says that a service's last step comes to.
func (m *manager) changes(args ...string) (lines []string, reason string) {
	m.t.Helper()
	a := m.run(append([]string{"-o", "json", "services"}, append(args, "--dry-run")...)...).want(m.t, 0)
	var d struct {
		Plans []struct {
			Changes []string
			Steps   []struct{ Reason string }
		}
	}
	must(m.t, json.Unmarshal([]byte(a.stdout), &d))
	return d.Plans[0].Changes, d.Plans[0].Steps[len(d.Plans[0].Steps)-1].Reason
}

// wantLines checks that each of the words begins a line.
func wantLines(t *testing.T, lines []string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains("\n"+strings.Join(lines, "\n"), "\n"+w) {
			t.Errorf("no line begins with %q:\n%s", w, strings.Join(lines, "\n"))
		}
	}
}

// taken are machines on which databases are adopted, and from which services are removed.
type taken struct {
	*site
	*manager
}

func newTaken(t *testing.T) *taken {
	t.Helper()
	s := &site{Lab: labtest.Up(t, lab.Debian12(), "m1", "m2", "m3")}
	var g errgroup.Group
	for machine, own := range map[string]string{"m1": ownSettings, "m3": ""} {
		g.Go(func() error {
			_, _, err := s.Machine(machine).Run(t.Context(), "own='"+own+"'\n"+byHand, nil)
			return err
		})
	}
	must(t, g.Wait())
	s.sql(t, "m1", "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY); INSERT INTO shop.orders VALUES (7); CREATE DATABASE test; CREATE TABLE test.mine (id INT); INSERT INTO test.mine VALUES (8)")
	s.sql(t, "m3", "CREATE DATABASE theirs; CREATE TABLE theirs.things (id INT); INSERT INTO theirs.things VALUES (9)")
	account := func() map[string]any { return map[string]any{"user": "clmgr", "password": "canary-of-the-database"} }
	return &taken{s, newManager(t, conf{
		Heartbeat: map[string]any{"deadline": "20s", "probe_timeout": patience},
		Actions:   map[string]any{"lease": "10s", "time": "60s", "first_delay": "1s", "longest_delay": "2s", "tries": 2},
		SSH:       s.ssh(),
		Clusters: map[string]*cluster{
			"demo": {
				Database: account(), Replication: map[string]any{"user": "copies", "password": "canary-of-the-copies"},
				Instances: []instance{{Name: "m1", IP: s.ip("m1")}, {Name: "m2", IP: s.ip("m2")}},
				Services: []service{
					{Name: "db1", Mode: "mariadb", Instance: "m1", Role: "master", Managed: true, MemPct: 1},
					{Name: "cache2", Mode: "memcache", Instance: "m2", Managed: true},
				},
			},
			"solo": {
				Database: account(), Instances: []instance{{Name: "m3", IP: s.ip("m3")}},
				Services: []service{
					{Name: "db3", Mode: "mariadb", Instance: "m3", Managed: true},
					{Name: "lb3", Mode: "haproxy", Instance: "m3"},
				},
			},
		},
	})}
}

// untouched does something that must change no machine, and queue nothing.
func (k *taken) untouched(t *testing.T, what string, do func()) {
	t.Helper()
	queue := func() string { return k.run("-o", "json", "actions", "list").want(t, 0).stdout }
	machines, queued := k.everything(t), queue()
	do()
	if after := k.everything(t); after != machines {
		t.Errorf("%s changed\n%s\nto\n%s", what, machines, after)
	}
	if after := queue(); strings.Count(after, `"id"`) != strings.Count(queued, `"id"`) {
		t.Errorf("%s queued something:\n%s", what, after)
	}
}

func (k *taken) invocation(t *testing.T, machine string) string {
	t.Helper()
	return k.on(t, machine, "systemctl show -P InvocationID mariadb")
}

// TestAdoptAndRemove takes over what somebody else has made, and takes services off
// machines again.
func TestAdoptAndRemove(t *testing.T) {
	t.Parallel()
	k := newTaken(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"somebody's database", k.testSomebodys},
		{"adopted as it runs", k.testAdopted},
		{"adopted by a restart", k.testAdoptedByRestart},
		{"a replica of it", k.testReplicaOfIt},
		{"a removal refused", k.testRemovalRefused},
		{"a replica removed and added again", k.testRemoved},
		{"others removed", k.testOthersRemoved},
	} {
		if !t.Run(part.name, part.run) {
			t.Fatal("what follows builds on that")
		}
	}
}

// testSomebodys starts everything: somebody's database is refused, and left as it is.
func (k *taken) testSomebodys(t *testing.T) {
	state := func() string {
		return k.on(t, "m1", everythingHere) + k.on(t, "m3", everythingHere)
	}
	before := state()
	k.run("services", "start", "all", "--wait").want(t, 1, "holds data that clmgr has not made (shop", "clmgr services adopt db1 takes it over", "(theirs)")
	if after := state(); after != before {
		t.Errorf("a start of all changed\n%s\nto\n%s", before, after)
	}
	k.untouched(t, "a removal of what is not ours", func() {
		k.run("services", "remove", "db3", "--yes").want(t, 5, "holds data that clmgr has not made (theirs)")
	})
	// What asks balancers' questions comes with the adoption.
	demo := k.Clusters["demo"]
	demo.Services = append(demo.Services, service{Name: "lb2", Mode: "haproxy", Instance: "m2", Managed: true})
	k.configure()
}

func (k *taken) testAdopted(t *testing.T) {
	k.untouched(t, "a dry run of an adoption", func() {
		lines, reason := k.changes("adopt", "db1")
		wantLines(t, lines, "server_id is 77, and becomes ", "gtid_strict_mode is OFF, and becomes ON", "binlog_format is MIXED, and becomes ROW",
			"sync_binlog is 0, and becomes 1", "/etc/mysql/mariadb.conf.d/99-clmgr.cnf is not as configured", "the account clmgr is not as configured",
			"the account copies is not as configured", "what answers balancers is not as configured")
		if reason != "it goes on running" || strings.Contains(strings.Join(lines, "\n"), "restart") {
			t.Errorf("the adoption comes to %q, %q", reason, lines)
		}
	})
	k.untouched(t, "an adoption that would not last", func() {
		k.on(t, "m1", `printf '[mysqld]\n server-id = 78\n' >/etc/mysql/mariadb.conf.d/own.cnf`)
		k.run("services", "adopt", "db1", "--yes").want(t, 5, "/etc/mysql/mariadb.conf.d/own.cnf is read after", "sets server-id too")
		k.on(t, "m1", "rm /etc/mysql/mariadb.conf.d/own.cnf")
	})
	pool := k.sql(t, "m1", "SELECT @@innodb_buffer_pool_size")
	logs := "SELECT CONCAT_WS(' ', @@log_bin_basename, @@relay_log_basename)"
	names, before := k.sql(t, "m1", logs), k.invocation(t, "m1")
	k.run("services", "adopt", "db1", "--wait").want(t, 0)
	k.run("services", "start", "db1", "--wait").want(t, 0)
	if got := plans(t, k.run("-o", "json", "services", "start", "db1", "--dry-run").want(t, 0).stdout)["db1"]; got != "bootstrap_binaries done, install done, start done" {
		t.Errorf("once it is adopted: %s", got)
	}
	if after := k.invocation(t, "m1"); after != before {
		t.Errorf("the server was restarted: %s, then %s", before, after)
	}
	as := func(when string) {
		t.Helper()
		if got := k.sql(t, "m1", "SELECT CONCAT_WS(' ', @@server_id <> 77, @@gtid_strict_mode, @@GLOBAL.binlog_format, @@sync_binlog, @@read_only)"); got != "1 ON ROW 1 OFF" {
			t.Errorf("%s it is set up as %s", when, got)
		}
		if got := k.sql(t, "m1", "SELECT (SELECT SUM(id) FROM shop.orders), (SELECT SUM(id) FROM test.mine)"); got != "7\t8" {
			t.Errorf("%s the rows are %s", when, got)
		}
		if got := k.sql(t, "m1", logs); got != names {
			t.Errorf("%s the logs are %s, and were %s", when, got, names)
		}
	}
	as("adopted,")
	if got := k.sql(t, "m1", "SELECT @@innodb_buffer_pool_size"); got == pool {
		t.Errorf("the buffer pool is still %s", got)
	}
	position := k.sql(t, "m1", "SELECT @@gtid_binlog_pos")
	k.run("services", "restart", "db1", "--wait").want(t, 0)
	as("restarted,")
	if got := k.sql(t, "m1", "SELECT @@gtid_binlog_pos"); got != position || got == "" {
		t.Errorf("its history was at %s, and is at %s", position, got)
	}
	k.run("services", "adopt", "db1", "--wait").want(t, 0)
}

func (k *taken) testAdoptedByRestart(t *testing.T) {
	k.untouched(t, "a refused adoption", func() {
		k.run("services", "adopt", "db3", "--wait").want(t, 5, "it would need a restart for: bind_address, skip_name_resolve, log_bin, log_slave_updates; say --yes")
		k.run("services", "adopt", "demo").want(t, 5, "one database at a time")
		k.run("services", "adopt", "lb3").want(t, 1, "clmgr does not manage it")
	})
	// One that the server does not start with leaves it somebody's, with the old one.
	solo := k.Clusters["solo"]
	solo.Services[0].Port = 22
	k.configure()
	k.run("services", "adopt", "db3", "--yes", "--wait").want(t, 1, "the old configuration serves again")
	if got := k.on(t, "m3", "ls /var/lib/mysql/clmgr-managed /etc/mysql/mariadb.conf.d/99-* 2>/dev/null; mariadb -NBe 'SELECT @@port, @@log_bin'"); got != "3306\t0" {
		t.Errorf("given back, there is %s", got)
	}
	solo.Services[0].Port = 0
	k.configure()
	before := k.invocation(t, "m3")
	k.run("services", "adopt", "db3", "--yes", "--wait").want(t, 0)
	if after := k.invocation(t, "m3"); after == before {
		t.Error("the server was not restarted")
	}
	if got := k.sql(t, "m3", "SELECT @@log_bin, @@skip_name_resolve, (SELECT SUM(id) FROM theirs.things)"); got != "1\t1\t9" {
		t.Errorf("it is set up as %s", got)
	}
	k.run("services", "start", "db3", "--wait").want(t, 0)
}

// follows checks that rows of m1 arrive on m2.
func (k *taken) follows(t *testing.T, id string) {
	t.Helper()
	k.sql(t, "m1", "INSERT INTO shop.orders VALUES ("+id+")")
	eventually(t, "the order "+id+" on the replica", func() bool {
		return k.sql(t, "m2", "SELECT COUNT(*) FROM shop.orders WHERE id IN (7, "+id+")") == "2"
	})
	if e := k.heartbeat(3).service(t, "db2"); e.Code != "000000" || e.Status != "slave" {
		t.Errorf("db2: %+v", e)
	}
}

func (k *taken) testReplicaOfIt(t *testing.T) {
	demo := k.Clusters["demo"]
	demo.Services = append(demo.Services, service{Name: "db2", Mode: "mariadb", Instance: "m2", Role: "slave", Managed: true})
	k.configure()
	k.run("services", "bootstrap_binaries", "db2", "--wait").want(t, 0)
	k.run("services", "start", "db2", "--wait").want(t, 0)
	k.run("services", "start", "lb2", "--wait").want(t, 0)
	k.follows(t, "10")
}
