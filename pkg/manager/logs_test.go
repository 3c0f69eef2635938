package manager

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// watching is a manager of a configuration in which the log file of its folder is watched.
func watching(t *testing.T, dir string) *Manager {
	t.Helper()
	text := fmt.Sprintf(`
manager: mgr
state_dir: %[1]s
clusters:
  c:
    database: {user: u, password: canary-database}
    instances: [{name: here, ip: 127.0.0.1}, {name: far, ip: 127.9.9.9}]
    logs:
      - {name: errors, instance: here, file: %[1]s/log, match: [{name: denied, regexp: 'denied for (?P<user>\S+)', state: $user denied, severity: critical}]}
      - {name: one, instance: far, unit: one, match: [{name: m, regexp: a}]}
      - {name: two, instance: far, unit: two, match: [{name: m, regexp: a}]}
`, dir)
	return managerOf(t, dir, text)
}

// A line of a log becomes an event of the event log, without secrets, and the list of
// watchers counts it. Watchers of one machine's units share a loop.
func TestLogLoops(t *testing.T) {
	dir := t.TempDir()
	m := watching(t, dir)
	var names []string
	for _, l := range m.logLoops() {
		names = append(names, l.Name)
	}
	if fmt.Sprint(names) != "[logs/c/file/errors logs/c/journal/far]" {
		t.Errorf("the loops are %q", names)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- m.logLoops()[0].Run(ctx, func() {}) }()
	waitFor(t, "the beginning", func() bool { return listed(t, m)[0].State == "watching" })
	if err := os.WriteFile(filepath.Join(dir, "log"), []byte("denied for root with canary-database\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the event", func() bool { return listed(t, m)[0].Events == 1 })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	var got []heartbeat.Event
	for e, err := range m.Events(t.Context(), EventFilter{Type: "logs"}, false) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if len(got) != 1 || got[0].Is.State != "root denied" || got[0].Labels["severity"] != "critical" || got[0].Reason != "denied for root with xxx" ||
		got[0].Manager != "mgr" || got[0].IP.String() != "127.0.0.1" {
		t.Errorf("got %+v", got)
	}
	if w := listed(t, m); w[0].By != "here" || w[0].Seen != 1 || w[0].Last == "" || w[1].By != "ssh" || w[1].Watches != "one.service" || w[1].State != "not yet" {
		t.Errorf("listed are %+v", w)
	}
}

func listed(t *testing.T, m *Manager) []Watcher {
	t.Helper()
	r := m.Do(t.Context(), command.Command{Level: "watch", Action: "list"})
	list, ok := r.Body.(WatcherList)
	if !ok || len(list.Watchers) != 3 {
		t.Fatalf("got %+v", r)
	}
	return list.Watchers
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come", what)
		}
	}
}
