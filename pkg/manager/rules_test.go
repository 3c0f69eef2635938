package manager

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/runner"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// ruled is a manager with the rules, whose state lies in dir. Their scripts are
// relative to it.
func ruled(t testing.TB, dir, rules string) *Manager {
	t.Helper()
	text := fmt.Sprintf(`
manager: mgr
state_dir: %s/state
actions: {first_delay: 100ms, longest_delay: 100ms}
rules:%s
clusters:
  c:
    automatic: true
    instances: [{name: m1, ip: 127.0.0.1, ssh: {port: 1}}]
`, dir, strings.ReplaceAll(rules, "\n", "\n  "))
	return managerOf(t, dir, text)
}

// managerOf is a manager of this configuration, whose file would be in dir.
func managerOf(t testing.TB, dir, text string) *Manager {
	t.Helper()
	cfg, err := config.Parse(filepath.Join(dir, "clmgr.yaml"), []byte(text), Known())
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(context.Background(), cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// script writes an executable.
func script(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func eventually(t testing.TB, what string, yes func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !yes(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never seen: %s", what)
		}
	}
}

// said is an event that a watcher would make.
func said(kind heartbeat.Kind, name, state, occurrence string, labels map[string]string) heartbeat.Event {
	return heartbeat.Event{
		Key: heartbeat.Key{Cluster: "c", Kind: kind, Name: name}, Is: heartbeat.Point{State: state},
		At: time.Now(), Manager: "mgr", Labels: labels,
	}.Occur(occurrence)
}

// ruling runs the rules' loop beside the queue's, as the daemon does. It returns what
// ends both.
func ruling(t testing.TB, m *Manager, beat func()) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	status, err := m.recorded(ctx)
	if err != nil {
		t.Fatal(err)
	}
	f := newFeed()
	f.put(runner.Input{Status: status})
	ended := make(chan error, 2)
	go func() { ended <- m.rulesLoop(func([]actions.ID) { f.again() }).Run(ctx, beat) }()
	go func() { ended <- m.queueLoop(f).Run(ctx, func() {}) }()
	return func() {
		t.Helper()
		began := time.Now()
		cancel()
		if err := errors.Join(<-ended, <-ended); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the loops ended after %s", took)
		}
	}
}

// A loop does what an event asks for, beats while it has nothing to do, and another
// one goes on where it ended, without repeating anything.
func TestRulesLoop(t *testing.T) {
	dir := t.TempDir()
	script(t, dir+"/note", `cat >>"${0%/*}/noted"`)
	m := ruled(t, dir, "\nnote: {when: {type: logs}, min_delay: 1ms, do: {script: {path: note}}}")
	noted := func() int {
		b, _ := os.ReadFile(dir + "/noted")
		return strings.Count(string(b), "\n")
	}
	var beats atomic.Int32
	for round := range 3 {
		beats.Store(0)
		end := ruling(t, m, func() { beats.Add(1) })
		eventually(t, "the first turn", func() bool { return beats.Load() > 1 })
		if err := m.tell(t.Context(), []heartbeat.Event{said(heartbeat.Logs, "indexer", "compacted", fmt.Sprint(round), nil)}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the script's run", func() bool { return noted() == round+1 })
		before := beats.Load()
		eventually(t, "a beat of an idle loop", func() bool { return beats.Load() > before })
		end()
	}
	if noted() != 3 {
		t.Errorf("the script ran %d times", noted())
	}
}

// A command runs when a metric changes its value, and the value is remembered only after
// it has ended well: the watcher tells of it again where it did not, and flood control
// lies between the two.
func TestMetricRememberedAfterSuccess(t *testing.T) {
	dir := t.TempDir()
	script(t, dir+"/set", `cat >>"${0%/*}/given"; test -e "${0%/*}/works"`)
	m := ruled(t, dir, `
catching-up:
  when: {type: metrics, name: initial_sync}
  min_delay: 1h
  do: {script: {path: set}}`)
	// What the watcher would have written of it before.
	const key = "watch/metrics/c/initial_sync"
	if err := m.stores.own.Update(t.Context(), key, "seen", func([]byte) ([]byte, error) {
		return []byte(`{"version":1,"born":1,"count":1,"of":"change","tracks":{"initial_sync":{"state":"true","since":"2026-01-01T00:00:00Z","acked":"false"}}}`), nil
	}); err != nil {
		t.Fatal(err)
	}
	acknowledged := func() bool {
		doc, err := m.stores.own.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(doc), `"acked":"true"`)
	}
	acted := map[string]string{"remember": "acted", "watch": "initial_sync"}
	began := time.Now()
	turn := func(at time.Duration, occurrence string) string {
		t.Helper()
		if occurrence != "" {
			if err := m.tell(t.Context(), []heartbeat.Event{said(heartbeat.Metrics, "initial_sync", "true", occurrence, acted)}); err != nil {
				t.Fatal(err)
			}
		}
		r, err := m.rules.turner.Turn(t.Context(), began.Add(at), began)
		if err != nil || r.Warning != nil {
			t.Fatal(err, r.Warning)
		}
		var states []string
		for _, e := range r.Told {
			states = append(states, e.Is.State)
		}
		return strings.Join(states, " ")
	}
	act := func() {
		t.Helper()
		status, err := m.recorded(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.runner.Run(t.Context(), runner.Input{Status: status}); err != nil {
			t.Fatal(err)
		}
	}
	if got := turn(0, "first"); got != "acts" {
		t.Fatalf("told: %q", got)
	}
	act() // and it fails
	if turn(0, ""); acknowledged() {
		t.Error("remembered, though it failed")
	}
	if got := turn(59*time.Minute, "again"); got != "kept back" {
		t.Errorf("told: %q", got)
	}
	cancelled := m.Do(t.Context(), command.Command{Level: "actions", Action: "cancel", State: "all"})
	if cancelled.Code != command.OK {
		t.Fatal(cancelled.Reason)
	}
	script(t, dir+"/works", "")
	if got := turn(time.Hour, "once more"); got != "acts" {
		t.Errorf("told: %q", got)
	}
	act()
	if turn(time.Hour, ""); !acknowledged() {
		t.Error("not remembered, though it was done")
	}
	given, err := os.ReadFile(dir + "/given")
	if n := strings.Count(string(given), `"state":"true"`); err != nil || n < 2 {
		t.Errorf("the script was given the value %d times: %v", n, err)
	}
}

// BenchmarkEventToAction is the time from an event that a watcher tells until the
// script it brings about has begun, and in the same run of telling alone, which is one
// write that is synced to the disk.
func BenchmarkEventToAction(b *testing.B) {
	dir := b.TempDir()
	script(b, dir+"/note", `: >"${0%/*}/ran"`)
	m := ruled(b, dir, "\nnote: {when: {type: logs}, min_delay: 1ms, max_per_hour: 3600, do: {script: {path: note}}}")
	end := ruling(b, m, func() {})
	time.Sleep(100 * time.Millisecond)
	var longest, telling time.Duration
	n := 0
	for b.Loop() {
		b.StopTimer()
		os.Remove(dir + "/ran")
		time.Sleep(5 * time.Millisecond)
		b.StartTimer()
		began := time.Now()
		n++
		if err := m.tell(b.Context(), []heartbeat.Event{said(heartbeat.Logs, "indexer", "compacted", fmt.Sprint(n), nil)}); err != nil {
			b.Fatal(err)
		}
		telling += time.Since(began)
		eventually(b, "the script's run", func() bool { _, err := os.Stat(dir + "/ran"); return err == nil })
		longest = max(longest, time.Since(began))
		b.StopTimer()
		eventually(b, "the end of it", func() bool { // its writes are not the next one's
			q, err := m.ledger.Own(b.Context())
			return err == nil && !slices.ContainsFunc(q.All(), func(a actions.Action) bool { return !a.State().Finished() })
		})
		b.StartTimer()
	}
	b.ReportMetric(float64(longest.Milliseconds()), "ms-longest")
	b.ReportMetric(float64(telling.Microseconds())/1000/float64(n), "ms-telling")
	end()
}
