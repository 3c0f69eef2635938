package manager

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/memcachedtest"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/peers"
)

// managerFor makes a manager from a configuration of one machine and these lines.
func managerFor(t *testing.T, lines string) *Manager {
	t.Helper()
	file := filepath.Join(t.TempDir(), "clmgr.yaml")
	text := lines + "\nstate_dir: state\nclusters: {c: {instances: [{name: m1, ip: 127.0.0.1}]}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, Known())
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(t.Context(), cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// The daemon watches peers where the store is shared, or the configuration says so.
func TestWhetherPeersAreWatched(t *testing.T) {
	const memcached = "\nstore: memcached://127.0.0.1:1\nstore_key: sixteen characters\n"
	for lines, want := range map[string]bool{
		"manager: a":                                    false,
		"manager: a\npeers: {watch: always}":            true,
		"manager: a" + memcached:                        true,
		"manager: a\npeers: {watch: never}" + memcached: false,
	} {
		if got := managerFor(t, lines).watchesPeers(); got != want {
			t.Errorf("%q: watched %v, want %v", lines, got, want)
		}
	}
}

// Three managers as they are configured see one another over a memcached; one goes, and
// its failure and its return are in the event log of another, once each.
func TestPeersByConfiguration(t *testing.T) {
	server := memcachedtest.Start(t, "127.0.0.1")
	start := func(m *Manager) (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.peers().Run(ctx, func() {}) }()
		stop = sync.OnceFunc(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		t.Cleanup(stop)
		return stop
	}
	managers, stops := map[string]*Manager{}, map[string]func(){}
	for _, name := range []string{"a", "b", "c"} {
		managers[name] = managerFor(t, fmt.Sprintf("manager: %s\nstore: memcached://%s\nstore_key: sixteen characters\n"+
			"peers: {interval: 200ms, ttl: 5s, min_deviation: 500, metrics: {secret: {command: echo sixteen characters}}}", name, server.Address))
		stops[name] = start(managers[name])
	}
	list := func() command.Result {
		return managers["a"].Do(t.Context(), command.Command{Level: "peers", Action: "list"})
	}
	var body peers.Listing
	for end := time.Now().Add(20 * time.Second); len(body.Metrics) != 15; {
		r := list()
		body, _ = r.Body.(peers.Listing)
		if time.Now().After(end) {
			t.Fatalf("%+v", r)
		}
	}
	if len(body.Peers) != 3 || !body.Running() {
		t.Errorf("%+v", body.Peers)
	}
	for _, m := range body.Metrics {
		if strings.Contains(m.Value, "sixteen") {
			t.Errorf("a secret is published: %+v", m)
		}
	}
	if ip := body.Peers[0].IP.String(); ip != "127.0.0.1" {
		t.Errorf("the machine of a is %s", ip)
	}
	told := func(want ...string) {
		t.Helper()
		var got []string
		for end := time.Now().Add(20 * time.Second); len(got) < len(want) && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			got = nil
			for e, err := range managers["a"].Events(t.Context(), EventFilter{Type: "peers"}, false) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, fmt.Sprintf("%s %s by %s at %s", e.Key.Name, e.Is.State, e.Manager, e.IP))
			}
		}
		if strings.Join(got, "; ") != strings.Join(want, "; ") {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	stops["b"]()
	told("b failed by a at 127.0.0.1")
	if r := list(); r.Code != command.SomethingIsNotRunning {
		t.Errorf("the list answers %s", r.Code)
	}
	start(managers["b"])
	told("b failed by a at 127.0.0.1", "b running by a at 127.0.0.1")
}
