package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
	"github.com/clmgr/clmgr/internal/schematest"
	"github.com/clmgr/clmgr/pkg/plan"
)

// plans is the answer to a dry run, each service's steps as "bootstrap_binaries due".
func plans(t *testing.T, text string) map[string]string {
	t.Helper()
	schema, err := plan.Schema()
	must(t, err)
	must(t, schematest.Valid(t, schema)(text))
	var d struct {
		Plans []struct {
			Service string
			Steps   []struct{ Do, State string }
		}
	}
	must(t, json.Unmarshal([]byte(text), &d))
	out := map[string]string{}
	for _, p := range d.Plans {
		var words []string
		for _, s := range p.Steps {
			words = append(words, strings.Split(s.Do, ":")[1]+" "+s.State)
		}
		out[p.Service] = strings.Join(words, ", ")
	}
	return out
}

// TestProvision takes bare machines to services that run, and leaves alone what is.
func TestProvision(t *testing.T) {
	t.Parallel()
	s := &site{Lab: labtest.Mixed(t, lab.Spec{Name: "m1", Image: lab.Debian12()}, lab.Spec{Name: "m2", Image: lab.Debian13()})}
	password, copying := newSecret(), newSecret()
	s.secret = filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(s.secret, []byte(password.text), 0o600))
	copies := filepath.Join(t.TempDir(), "copies")
	must(t, os.WriteFile(copies, []byte(copying.text), 0o600))
	h := newHunt(t, map[string]secret{"password": password, "replication password": copying})
	m := newManager(t, conf{
		Heartbeat: map[string]any{"deadline": "20s", "probe_timeout": patience},
		Actions:   map[string]any{"lease": "10s", "time": "40s", "first_delay": "1s", "longest_delay": "2s", "tries": 2},
		Modes: map[string]any{"odd": map[string]any{
			"command": map[string]any{"run": "true"}, "packages": []string{"no-such-package"}, "start": "true", "stop": "true",
		}},
		SSH: s.ssh(),
		Clusters: map[string]*cluster{"demo": {
			Database:    map[string]any{"user": "clmgr", "password": map[string]any{"file": s.secret}},
			Replication: map[string]any{"user": "copies", "password": map[string]any{"file": copies}},
			Instances:   []instance{{Name: "m1", IP: s.ip("m1")}, {Name: "m2", IP: s.ip("m2")}},
			Services: []service{
				{Name: "db1", Mode: "mariadb", Instance: "m1", Role: "master", Managed: true},
				{Name: "db2", Mode: "mariadb", Instance: "m2", Role: "slave", Managed: true},
				{Name: "cache2", Mode: "memcache", Instance: "m2", Managed: true},
				{Name: "other2", Mode: "haproxy", Instance: "m2"},
				{Name: "odd2", Mode: "odd", Instance: "m2", Managed: true},
			},
		}},
	})

	before := s.everything(t)
	const missing = "bootstrap_binaries due, install waits, start waits"
	a := m.run("-o", "json", "services", "start", "demo", "--dry-run").want(t, 0)
	if got := plans(t, a.stdout); got["db1"] != missing || got["cache2"] != missing || got["other2"] != "start due" {
		t.Errorf("on bare machines: %v", got)
	}
	if after := s.everything(t); after != before {
		t.Errorf("a dry run changed\n%s\nto\n%s", before, after)
	}
	if got := m.run("services", "install", "other2"); got.code != 1 || !strings.Contains(got.stderr, "managed: true") {
		t.Errorf("what is not managed: %d %s", got.code, got.stderr)
	}

	stop := h.watch()
	for _, service := range []string{"db1", "db2", "cache2"} {
		h.answered(m.run("services", "start", service, "--wait")).want(t, 0)
	}
	stop()
	h.files(m.StateDir)
	doc := m.heartbeat(3) // haproxy was never started
	for _, name := range []string{"db1", "db2", "cache2"} {
		if e := doc.service(t, name); e.Code != "000000" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if e := doc.service(t, "db2"); e.Status != "slave" {
		t.Errorf("db2: %+v", e)
	}
	s.sql(t, "m1", "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY); INSERT INTO shop.orders VALUES (7)")
	eventually(t, "the order on the replica", func() bool {
		return s.sql(t, "m2", "SELECT IFNULL(MAX(TABLE_NAME), '') FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop'") == "orders" &&
			s.sql(t, "m2", "SELECT id FROM shop.orders") == "7"
	})
	for machine, want := range map[string]string{"m1": "OFF ON ON", "m2": "ON ON ON"} {
		if got := s.sql(t, machine, "SELECT CONCAT_WS(' ', @@read_only, @@gtid_strict_mode, @@log_bin)"); got != want {
			t.Errorf("%s is set up as %s", machine, got)
		}
		accounts := s.sql(t, machine, "SELECT CONCAT(User, '@', Host) FROM mysql.global_priv WHERE User <> 'mariadb.sys' AND Host <> '' ORDER BY 1")
		if got := strings.Join(strings.Fields(accounts), " "); got != "clmgr@% copies@% mysql@localhost root@localhost" {
			t.Errorf("%s has the accounts %s", machine, got)
		}
	}
	if one, two := s.sql(t, "m1", "SELECT @@server_id"), s.sql(t, "m2", "SELECT @@server_id"); one == two {
		t.Errorf("both servers have the id %s", one)
	}
	if e := doc.service(t, "db1"); e.Status != "master" || !e.Writable {
		t.Errorf("db1: %+v", e)
	}

	before = s.everything(t)
	a = m.run("-o", "json", "services", "start", "db2", "--dry-run").want(t, 0)
	if got := plans(t, a.stdout)["db2"]; got != "bootstrap_binaries done, install done, replicate done, start done" {
		t.Errorf("once it runs: %v", got)
	}
	for _, service := range []string{"db1", "db2", "cache2"} {
		m.run("services", "start", service, "--wait").want(t, 0)
	}
	if after := s.everything(t); after != before {
		t.Errorf("a second start changed\n%s\nto\n%s", before, after)
	}
	s.sql(t, "m2", "SET sql_log_bin = 0; DELETE FROM shop.orders")
	if got := h.answered(m.run("services", "sync", "db2", "--wait")); got.code != 5 || !strings.Contains(got.stderr, "it replaces the databases shop; say --yes") {
		t.Errorf("a sync without a word: %d %s", got.code, got.stderr)
	}
	a = m.run("-o", "json", "services", "sync", "db2", "--dry-run").want(t, 0)
	if got := plans(t, a.stdout)["db2"]; got != "sync due" {
		t.Errorf("a sync comes to %v", got)
	}
	if got := s.sql(t, "m2", "SELECT COUNT(*) FROM shop.orders"); got != "0" {
		t.Errorf("before the sync there are %s orders", got)
	}
	stop = h.watch()
	h.answered(m.run("services", "sync", "db2", "--yes", "--wait")).want(t, 0)
	stop()
	if got := s.sql(t, "m2", "SELECT id FROM shop.orders"); got != "7" {
		t.Errorf("after the sync there is the order %s", got)
	}
	if got := m.run("services", "start", "odd2", "--wait"); got.code != 1 || !strings.Contains(got.stderr, "Unable to locate package no-such-package; given up, clmgr actions retry ") {
		t.Errorf("a package that nobody has: %d %s", got.code, got.stderr)
	}
	h.journals(s)
	h.want("password")
	h.want("replication password")
}

// everything is what a change of the machines would change: packages, files of
// services, and the invocations of units.
func (s *site) everything(t *testing.T) string {
	t.Helper()
	var out []string
	for _, machine := range s.Machines() {
		out = append(out, fmt.Sprintf("%s:\n%s", machine.Name(), s.on(t, machine.Name(), everythingHere)))
	}
	return strings.Join(out, "\n")
}

// everythingHere prints it for one machine.
const everythingHere = `
dpkg-query -W | sha256sum; stat -c '%Y %s' /var/log/dpkg.log
find /etc /usr/sbin /usr/local -xdev -type f -newer /etc/machine-id -printf '%p %T@ %s\n' | sort
for u in mariadb mariadb@db3 clmgr-health@db3 memcached haproxy keepalived clmgr-health nginx; do systemctl show -P InvocationID $u; done`
