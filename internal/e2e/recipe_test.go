package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

// recipes are the modes of the example in testdata, with a change.
func recipes(t *testing.T, old, now string) map[string]any {
	t.Helper()
	text, err := os.ReadFile("../../testdata/recipe/mysql-proxy.yaml")
	must(t, err)
	changed := strings.Replace(string(text), old, now, 1)
	if old != now && changed == string(text) {
		t.Fatalf("there is no %q in the example", old)
	}
	var out struct{ Modes map[string]any }
	must(t, yaml.Unmarshal([]byte(changed), &out))
	return out.Modes
}

// goesThrough gives a command, and makes heartbeats until nothing of it is left.
func (m *manager) goesThrough(args ...string) {
	m.t.Helper()
	first := m.run(args...)
	defer func() {
		if m.t.Failed() {
			m.t.Logf("%v: %d %s %s", args, first.code, first.stdout, first.stderr)
		}
	}()
	for end := time.Now().Add(4 * time.Minute); ; m.run("instances", "heartbeat") {
		if failed := m.run("-o", "table", "actions", "list", "--state", "failed").stdout; failed != "no actions\n" {
			m.t.Fatalf("%v: %s", args, failed)
		}
		open := m.run("-o", "table", "actions", "list", "--state", "waiting").stdout + m.run("-o", "table", "actions", "list", "--state", "running").stdout
		if strings.Count(open, "no actions") == 2 {
			return
		}
		if time.Now().After(end) {
			m.t.Fatalf("%v is not over: %s", args, open)
		}
	}
}

// TestRecipe takes bare machines to a database behind a proxy that clmgr knows only from the
// configuration, and has it survive what its recipe gets wrong.
func TestRecipe(t *testing.T) {
	t.Parallel()
	s := &site{Lab: labtest.Up(t, lab.Debian12(), "m1", "m2")}
	password := newSecret()
	file := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(file, []byte(password.text), 0o600))
	h := newHunt(t, map[string]secret{"password": password})
	m := newManager(t, conf{
		Heartbeat: map[string]any{"deadline": "20s", "probe_timeout": patience},
		Actions:   map[string]any{"lease": "10s", "time": "60s", "first_delay": "1s", "longest_delay": "2s", "tries": 1},
		Modes:     recipes(t, "", ""),
		SSH:       s.ssh(),
		Clusters: map[string]*cluster{"demo": {
			Database:  map[string]any{"user": "clmgr", "password": map[string]any{"file": file}},
			Instances: []instance{{Name: "m1", IP: s.ip("m1")}, {Name: "m2", IP: s.ip("m2")}},
			Services: []service{
				{Name: "proxy2", Mode: "mysql-proxy", Instance: "m2", Managed: true},
				{Name: "db1", Mode: "mariadb", Instance: "m1", Role: "master", Managed: true},
			},
		}},
	})
	a := m.run("-o", "json", "services", "start", "proxy2", "--dry-run").want(t, 0)
	if got := plans(t, a.stdout)["proxy2"]; got != "bootstrap_binaries due, install waits, start waits" {
		t.Errorf("on a bare machine: %v", got)
	}
	stop := h.watch()
	m.goesThrough("services", "start", "all")
	stop()
	if e := m.heartbeat(0).service(t, "proxy2"); e.Code != "000000" {
		t.Errorf("proxy2: %+v", e)
	}
	before := s.everything(t)
	m.goesThrough("services", "start", "all")
	m.goesThrough("services", "install", "proxy2")
	m.goesThrough("services", "bootstrap_config", "all")
	if after := s.everything(t); after != before {
		t.Errorf("a second start changed\n%s\nto\n%s", before, after)
	}
	if got := s.on(t, "m2", "stat -c '%a %U' /etc/nginx/probe.cnf; grep -c '^password = .' /etc/nginx/probe.cnf"); got != "600 root\n1" {
		t.Errorf("the file with the password: %s", got)
	}

	// What its own check refuses, and what it checks and does not take.
	for _, c := range []struct{ old, now, want string }{
		{"proxy_pass databases;", "proxy_pass databases; no_such_thing;", "unknown directive \"no_such_thing\" in /etc/nginx/nginx.conf.clmgr-new"},
		{"listen {{ .service.port }};", "listen 22;", "the old files serve again"},
		{`mode: "0600"`, `mode: "0644"`, "/etc/nginx/probe.cnf:5:23: password is not to be had here: only the text of a file of mode 0600 may have it"},
	} {
		m.Modes = recipes(t, c.old, c.now)
		if c.now == "listen 22;" { // which sshd has
			recipe := m.Modes["mysql-proxy"].(map[string]any)["recipe"].(map[string]any)
			recipe["serves"] = "ss -Htlnp 'sport = :22' | grep -q nginx"
		}
		m.configure()
		a := h.answered(m.run("services", "start", "proxy2", "--wait"))
		if a.code != 1 || !strings.Contains(a.stderr, "on m2: cannot ") || !strings.Contains(a.stderr, c.want) || !strings.Contains(a.stderr, "given up, clmgr actions retry ") {
			t.Errorf("%s: %d %s", c.now, a.code, a.stderr)
		}
		if after := s.everything(t); after != before {
			t.Errorf("%s: it changed\n%s\nto\n%s", c.now, before, after)
		}
		m.run("actions", "cancel", "--state", "failed").want(t, 0)
		if e := m.heartbeat(0).service(t, "proxy2"); e.Code != "000000" {
			t.Errorf("%s: proxy2 is %+v", c.now, e)
		}
	}

	// What it takes is taken, without a restart.
	m.Modes = recipes(t, "proxy_connect_timeout 1s", "proxy_connect_timeout 2s")
	m.configure()
	invocation := s.on(t, "m2", "systemctl show -P InvocationID nginx")
	m.goesThrough("services", "bootstrap_config", "proxy2")
	if got := s.on(t, "m2", "systemctl show -P InvocationID nginx; grep -c 'timeout 2s' /etc/nginx/nginx.conf; ls /etc/nginx | grep -c clmgr || true"); got != invocation+"\n1\n0" {
		t.Errorf("a change it takes: %s", got)
	}

	m.goesThrough("services", "remove", "proxy2")
	if got := s.on(t, "m2", "systemctl is-active nginx; ls /etc/nginx/nginx.conf /etc/nginx/probe.cnf /var/lib/clmgr-recipes 2>/dev/null; true"); got != "inactive\n/var/lib/clmgr-recipes:" {
		t.Errorf("removed, there is still: %s", got)
	}
	m.goesThrough("services", "start", "proxy2")
	if e := m.heartbeat(0).service(t, "proxy2"); e.Code != "000000" {
		t.Errorf("proxy2, laid out again: %+v", e)
	}
	h.files(m.StateDir)
	h.journals(s)
	h.want("password")
}
