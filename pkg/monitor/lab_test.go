package monitor_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/monitor"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/store"
)

// TestRealMachine watches units of a real systemd and the resources of a real machine. The
// subtests share it; the last one takes its power.
func TestRealMachine(t *testing.T) {
	s := newSite(t)
	t.Run("units", s.testUnits)
	t.Run("hosts", s.testHosts)
	t.Run("power", s.testPower)
}

// TestRealPrometheus asks a real Prometheus about a real node exporter, both Debian's.
func TestRealPrometheus(t *testing.T) {
	s := newSite(t)
	s.run(t, `printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d && export DEBIAN_FRONTEND=noninteractive &&
		apt-get -q update && apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io install prometheus prometheus-node-exporter`)
	s.testMetrics(t)
}

// newSite boots a bare Debian.
func newSite(t *testing.T) *site {
	t.Helper()
	l := labtest.Up(t, lab.Debian12(), "m1")
	pool := remote.NewPool(remote.Options{})
	t.Cleanup(func() { pool.Close() })
	return &site{m: l.Machine("m1"), host: pool.Host(&remote.Settings{
		User: "root", Keys: []string{l.KeyFile()}, KnownHosts: []string{l.KnownHosts()}, Timeout: 10 * time.Second,
	}, remote.Machine{Name: "m1", IP: l.Machine("m1").IP()})}
}

// ample is how long anything may take on a busy machine.
const ample = 90 * time.Second

// site is a machine and the way to it.
type site struct {
	m    *lab.Machine
	host *remote.Host
}

// run executes a command on the machine; it must succeed.
func (s *site) run(t *testing.T, shell string) string {
	t.Helper()
	out, complaint, err := s.m.Run(t.Context(), shell, nil)
	if err != nil {
		t.Fatalf("%s: %v: %s", shell, err, complaint)
	}
	return string(out)
}

func (s *site) machine() monitor.Machine {
	return monitor.Machine{Cluster: "demo", Name: "m1", IP: s.m.IP(), Runner: s.host, Every: 100 * time.Millisecond, Timeout: ample}
}

// diary is where events are told.
type diary struct {
	options monitor.Options
	mu      sync.Mutex
	events  []heartbeat.Event
}

func newDiary(t *testing.T) *diary {
	t.Helper()
	s, err := store.Open(t.Context(), "file:"+t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := &diary{}
	d.options = monitor.Options{Manager: "mgr1", Store: s, Tell: d.tell, Mask: func(s string) string { return strings.ReplaceAll(s, "canary", "xxx") }}
	return d
}

func (d *diary) tell(_ context.Context, events []heartbeat.Event) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, events...)
	return nil
}

// all is what was told, each as "name: was → is".
func (d *diary) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]string, len(d.events))
	for n, e := range d.events {
		out[n] = fmt.Sprintf("%s: %s → %s", e.Key.Name, e.Was.State, e.Is.State)
	}
	return out
}

// await waits for the first event after the first skip ones that reads like that.
func (d *diary) await(t *testing.T, skip int, text string) heartbeat.Event {
	t.Helper()
	for deadline := time.Now().Add(ample); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		if all := d.all(); len(all) > skip {
			if n := slices.Index(all[skip:], text); n >= 0 {
				d.mu.Lock()
				defer d.mu.Unlock()
				return d.events[skip+n]
			}
		}
	}
	t.Fatalf("not told: %s\ntold: %s", text, strings.Join(d.all()[skip:], "\n"))
	return heartbeat.Event{}
}

// want compares everything that was told, in any order.
func (d *diary) want(t *testing.T, lines ...string) {
	t.Helper()
	got := d.all()
	slices.Sort(got)
	slices.Sort(lines)
	if !slices.Equal(got, lines) {
		t.Errorf("told:\n%s\nwanted:\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
}

// watching runs a loop until the function it returns is called. The loop must beat, and end
// without an error.
func watching(t *testing.T, l *monitor.Loop) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	beats := make(chan struct{}, 1)
	go func() {
		ended <- l.Run(ctx, func() {
			select {
			case beats <- struct{}{}:
			default:
			}
		})
	}()
	<-beats
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("the loop ended: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// labels compares some labels of an event.
func labels(t *testing.T, e heartbeat.Event, want map[string]string) {
	t.Helper()
	for k, v := range want {
		if e.Labels[k] != v {
			t.Errorf("%s: label %s is %q, wanted %q", e, k, e.Labels[k], v)
		}
	}
}
