package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

// ruled is a machine with two units that somebody has started, and a manager with the
// rules of the sample about them.
type ruled struct {
	*site
	*manager
	events int
}

// TestRules has events bring about what the sample's rules say: restarts after a line
// of a log, another after lost connectivity, and a script when a metric changes.
func TestRules(t *testing.T) {
	t.Parallel()
	s := &site{Lab: labtest.Up(t, lab.Debian12(), "m1")}
	s.on(t, "m1", `printf '[Service]\nExecStart=/bin/sleep infinity\n' >/etc/systemd/system/seed@.service
		systemctl daemon-reload; systemctl start seed@indexer seed@gateway`)
	dir := t.TempDir()
	note := filepath.Join(dir, "note")
	must(t, os.WriteFile(note, []byte("#!/bin/sh\ncat >>"+dir+"/noted\ntest -e "+dir+"/works\n"), 0o755))
	c := s.sample()
	c.Modes["kept"] = map[string]any{"command": map[string]any{"run": "true"}}
	c.Actions = map[string]any{"first_delay": "100ms", "longest_delay": "200ms"}
	c.Clusters["demo"].Services = []service{
		{Name: "indexer", Mode: "kept", Instance: "m1", Unit: "seed@indexer"},
		{Name: "gateway", Mode: "kept", Instance: "m1", Unit: "seed@gateway"},
	}
	restart := func(group string) any {
		return map[string]any{"command": map[string]any{"action": "restart", "group": group}}
	}
	c.Rules = map[string]any{
		"index-compacted": map[string]any{
			"when": map[string]any{"type": "logs", "name": "indexer", "state": "compacted"}, "min_delay": "1h", "do": restart("indexer"),
		},
		"index-lost-database": map[string]any{
			"when": map[string]any{"type": "logs", "name": "indexer", "state": "disconnected"}, "min_delay": "1h", "do": restart("indexer"),
		},
		"gateway-lost-database": map[string]any{
			"when": map[string]any{"type": "logs", "name": "gateway", "reason": "/rpc call failed/"}, "min_delay": "1h", "do": restart("{service}"),
		},
		"catching-up": map[string]any{
			"when": map[string]any{"type": "metrics", "name": "initial_sync"}, "do": map[string]any{"script": map[string]any{"path": note}},
		},
	}
	delete(c.Clusters["demo"].Database, "password")
	r := &ruled{site: s, manager: newManager(t, c)}
	for _, step := range []scenarioOfRules{
		{"not automatic: only told", r.notAutomatic},
		{"restarted on a line of a log", r.restarted},
		{"another line within the delay", r.kept},
		{"restarted when it lost its database", r.lost},
		{"a hold", r.held},
		{"a script for a metric", func(t *testing.T) { r.script(t, dir) }},
	} {
		r.t = t
		if !t.Run(step.name, func(t *testing.T) { step.run(t) }) {
			return
		}
	}
}

type scenarioOfRules struct {
	name string
	run  func(*testing.T)
}

// happen gives clmgr an event as a watcher would make it, and returns how the rules
// answered. The rest of the event is in JSON.
func (r *ruled) happen(t *testing.T, kind, name, rest string) string {
	t.Helper()
	r.events++
	a := r.pipe(fmt.Sprintf(`{events: [{id: "seen-%d", type: %q, name: %q, %s}]}`, r.events, kind, name, rest)).want(t, 0)
	var states []string
	for _, e := range parse(t, a.stdout).Events {
		if e.Type == "rules" {
			states = append(states, e.Name+" "+e.State)
		}
	}
	return strings.Join(states, ", ")
}

// invocation is that of a unit now.
func (r *ruled) invocation(t *testing.T, unit string) string {
	t.Helper()
	return r.on(t, "m1", "systemctl show --property=InvocationID --value seed@"+unit)
}

// does looks, and checks what the heartbeat does and whether a unit was restarted by it.
func (r *ruled) does(t *testing.T, what, unit string, restarted bool) {
	t.Helper()
	before := r.invocation(t, unit)
	b := r.beat()
	if got := strings.Join(b.moves("finish"), " "); got != what {
		t.Errorf("done: %q, want %q", got, what)
	}
	if changed := r.invocation(t, unit) != before; changed != restarted {
		t.Errorf("%s restarted: %v, want %v", unit, changed, restarted)
	}
}

func (r *ruled) notAutomatic(t *testing.T) {
	r.does(t, "", "indexer", false)
	if got := r.happen(t, "logs", "indexer", `state: "compacted"`); got != "index-compacted would act" {
		t.Errorf("told: %q", got)
	}
	r.does(t, "", "indexer", false)
	r.Clusters["demo"].Automatic = true
	r.StateDir += "-automatic" // what would have been done counts as if it had
	r.configure()
	r.does(t, "", "indexer", false)
}

func (r *ruled) restarted(t *testing.T) {
	if got := r.happen(t, "logs", "indexer", `state: "compacted"`); got != "index-compacted acts" {
		t.Errorf("told: %q", got)
	}
	r.does(t, "services:restart:indexer", "indexer", true)
	r.does(t, "", "indexer", false) // once
	if a := r.run("-o", "table", "actions", "list", "--state", "done"); !strings.Contains(a.stdout, "services:restart:indexer") {
		t.Errorf("%s", a.stdout)
	}
	if got := r.happen(t, "logs", "indexer", `state: "disconnected"`); got != "index-lost-database acts" {
		t.Errorf("told: %q", got)
	}
	r.does(t, "services:restart:indexer", "indexer", true)
}

func (r *ruled) kept(t *testing.T) {
	if got := r.happen(t, "logs", "indexer", `state: "compacted"`); got != "index-compacted kept back" {
		t.Errorf("told: %q", got)
	}
	r.does(t, "", "indexer", false)
}

func (r *ruled) lost(t *testing.T) {
	if got := r.happen(t, "logs", "gateway", `state: "matched", reason: "getinfo rpc call failed", labels: {service: "gateway"}`); got != "gateway-lost-database acts" {
		t.Errorf("told: %q", got)
	}
	r.does(t, "services:restart:gateway", "gateway", true)
}

// held keeps a restart from being done while somebody holds its service.
func (r *ruled) held(t *testing.T) {
	r.StateDir += "-held"
	r.configure()
	r.does(t, "", "indexer", false)
	r.run("hold", "indexer", "--reason", "its disk").want(t, 0)
	if got := r.happen(t, "logs", "indexer", `state: "compacted"`); got != "index-compacted acts" {
		t.Errorf("told: %q", got)
	}
	r.does(t, "", "indexer", false)
	r.run("release", "indexer").want(t, 0)
	r.does(t, "services:restart:indexer", "indexer", true)
}

// script fails until it works, and is given the same event each time.
func (r *ruled) script(t *testing.T, dir string) {
	if got := r.happen(t, "metrics", "initial_sync", `previous_state: "false", state: "true"`); got != "catching-up acts" {
		t.Errorf("told: %q", got)
	}
	r.does(t, "", "indexer", false)
	must(t, os.WriteFile(filepath.Join(dir, "works"), nil, 0o644))
	r.until("the script to have worked", func(b beat) bool { return b.Queue.Waiting == 0 })
	noted, err := os.ReadFile(filepath.Join(dir, "noted"))
	must(t, err)
	lines := strings.Split(strings.TrimSpace(string(noted)), "\n")
	for _, line := range lines {
		if line != lines[0] || !strings.Contains(line, `"name":"initial_sync"`) {
			t.Errorf("given: %s", line)
		}
	}
	if len(lines) < 2 {
		t.Errorf("it was given an event %d times", len(lines))
	}
}
