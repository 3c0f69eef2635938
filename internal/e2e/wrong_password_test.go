package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

// TestWrongPassword has a replica follow a database that somebody else has made, with a
// wrong password at first. That is given up with its reason and without the password; the
// right one in the configuration and a retry finish it.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	s := &site{Lab: labtest.Up(t, lab.Databases(), "m1", "m2")}
	s.on(t, "m1", "printf '%s' '"+ownSettings+"' >/etc/mysql/mariadb.conf.d/60-own.cnf; systemctl restart mariadb")
	s.sql(t, "m1", "SET sql_log_bin = 0; CREATE USER copies IDENTIFIED BY 'the right one'; GRANT REPLICATION SLAVE ON *.* TO copies; CREATE USER clmgr IDENTIFIED BY 'the right one'; GRANT SLAVE MONITOR ON *.* TO clmgr")
	wrong := newSecret()
	h := newHunt(t, map[string]secret{"wrong password": wrong})
	file := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(file, []byte(wrong.text), 0o600))
	m := newManager(t, conf{
		Heartbeat: map[string]any{"deadline": "20s", "probe_timeout": patience},
		Actions:   map[string]any{"lease": "10s", "time": "40s", "first_delay": "200ms", "longest_delay": "1s", "tries": 2},
		SSH:       s.ssh(),
		Clusters: map[string]*cluster{"demo": {
			Database:    map[string]any{"user": "clmgr", "password": map[string]any{"file": file}},
			Replication: map[string]any{"user": "copies", "password": map[string]any{"file": file}},
			Instances:   []instance{{Name: "m1", IP: s.ip("m1")}, {Name: "m2", IP: s.ip("m2")}},
			Services: []service{
				{Name: "db1", Mode: "mariadb", Instance: "m1", Role: "master"},
				{Name: "db2", Mode: "mariadb", Instance: "m2", Role: "slave", Managed: true},
			},
		}},
	})
	if e := m.heartbeat(3).service(t, "db1"); !strings.Contains(e.Reason, "access denied for user clmgr") {
		t.Errorf("db1: %+v", e)
	}
	stop := h.watch()
	h.answered(m.run("services", "start", "db2"))
	var failed struct {
		Actions []struct {
			ID     string `json:"id"`
			Action string `json:"do_action"`
			Reason string `json:"reason"`
		}
	}
	for end := time.Now().Add(3 * time.Minute); len(failed.Actions) == 0; {
		h.answered(m.run("instances", "heartbeat"))
		a := h.answered(m.run("-o", "json", "actions", "list", "--state", "failed").want(t, 0))
		must(t, json.Unmarshal([]byte(a.stdout), &failed))
		if time.Now().After(end) {
			t.Fatalf("it is not given up\n%s", m.run("-o", "table", "actions", "list").stdout)
		}
	}
	stop()
	h.files(m.StateDir)
	h.journals(s)
	h.want("wrong password")
	f := failed.Actions[0]
	if f.Action != "replicate" || !strings.Contains(f.Reason, "cannot replicate db2 from db1: ") || !strings.Contains(f.Reason, "Access denied for user 'copies'") {
		t.Errorf("given up: %+v", f)
	}

	must(t, os.WriteFile(file, []byte("the right one"), 0o600))
	m.run("actions", "retry", f.ID).want(t, 0)
	m.run("services", "install", "db2", "--wait").want(t, 0) // its own accounts had the wrong one too
	m.untilOver(t)
	if e := m.heartbeat(0).service(t, "db2"); e.Code != "000000" || e.Status != "slave" {
		t.Errorf("db2: %+v", e)
	}
	s.sql(t, "m1", "CREATE DATABASE shop")
	eventually(t, "the database on the replica", func() bool {
		return s.sql(t, "m2", "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'shop'") == "1"
	})
}
