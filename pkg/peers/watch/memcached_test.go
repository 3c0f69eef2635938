package watch_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/memcachedtest"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/peers"
	"github.com/clmgr/clmgr/pkg/peers/watch"
	"github.com/clmgr/clmgr/pkg/store"
)

// room is managers of this process over one real memcached.
type room struct {
	t      *testing.T
	server *memcachedtest.Server
	folder string
}

func newRoom(t *testing.T) *room {
	t.Helper()
	return &room{t, memcachedtest.Start(t, "127.0.0.1"), t.TempDir()}
}

// patient are settings for a machine on which much else runs.
func patient() peers.Settings {
	s := settings(200*time.Millisecond, 2*time.Second)
	s.MinDeviation = 2
	return s
}

func (r *room) manager(name string) *manager {
	r.t.Helper()
	m := &manager{stop: func() error { return nil }}
	o, err := options(r.t.Context(), name, r.server.Address, r.folder, patient())
	if err != nil {
		r.t.Fatal(err)
	}
	o.Tell, o.Disk = m.tell, r.folder
	m.Options = o
	return m
}

func (r *room) start(m *manager) *manager { return m.start(&site{ctx: r.t.Context()}) }

// until waits for something that has to come to pass.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func (m *manager) heard() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.said)
}

// The memcached is killed, comes back with nothing, is flushed: each manager says once
// that it sees nobody, and nobody is said to have failed; the list of members is back.
func TestMemcachedGoesAway(t *testing.T) {
	r := newRoom(t)
	all := []*manager{r.start(r.manager("a")), r.start(r.manager("b")), r.start(r.manager("c"))}
	runs := func() bool {
		list, err := watch.New(all[0].Options).List(t.Context())
		return err == nil && len(list.Peers) == 3 && list.Running()
	}
	until(t, "all run", runs)
	r.server.Kill()
	for _, m := range all {
		until(t, "it sees nobody", func() bool { return slices.Equal(m.heard(), []string{m.Manager + ": isolated"}) })
		if ago := m.beat(); ago > 2*time.Second {
			t.Errorf("no beat for %s without a store", ago)
		}
	}
	r.server.Up()
	until(t, "all run again", runs)
	r.server.Flush()
	until(t, "all run after a flush", runs)
	for _, m := range all {
		m.expect(t, m.Manager+": isolated", m.Manager+": seeing")
		if err := m.stop(); err != nil {
			t.Error(err)
		}
	}
}

// The list tells who runs, newest metrics first, by the store alone; who is dead; and
// forgets, which ends what was told.
func TestListAndForget(t *testing.T) {
	r := newRoom(t)
	a, b, c := r.start(r.manager("a")), r.manager("b"), r.start(r.manager("c"))
	b.Gauges = []watch.Gauge{
		{Name: "rare", Command: "echo 42; echo more", Interval: time.Hour, Timeout: 10 * time.Second, TTL: time.Hour},
		{Name: "stale", Command: "test ! -e " + r.folder + "/once && touch " + r.folder + "/once && echo 1", Interval: 50 * time.Millisecond, Timeout: time.Second, TTL: 300 * time.Millisecond},
		{Name: "broken", Command: "echo no; echo why >&2; exit 3", Interval: time.Hour, Timeout: time.Second, TTL: time.Hour},
	}
	r.start(b)
	until(t, "an old value is a failure", func() bool { return slices.Contains(a.heard(), "b/stale: failed") })

	elsewhere := watch.New(r.manager("viewer").Options) // with a state of its own
	list, err := elsewhere.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !list.Running() || len(list.Peers) != 3 || len(list.Metrics) != 13 {
		t.Fatalf("%+v", list)
	}
	for n, m := range list.Metrics {
		if m.Age < 0 || m.Age >= m.TTL || n > 0 && m.Age < list.Metrics[n-1].Age {
			t.Errorf("metric %d is %+v after %+v", n, m, list.Metrics[max(n-1, 0)])
		}
		value := strings.TrimSuffix(strings.TrimSuffix(m.Value, "% used"), "% available")
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			t.Errorf("%s is %q", m.Name, m.Value)
		}
	}
	if last := list.Metrics[12]; last.Name != "rare" || last.Value != "42" || last.Peer != "b" {
		t.Errorf("the oldest is %+v", last)
	}

	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	until(t, "b fails", func() bool { return slices.Contains(a.heard(), "b: failed") })
	list, err = elsewhere.List(t.Context())
	if err != nil || list.Running() || list.Peers[1].State != "failed" || len(list.Metrics) != 8 {
		t.Errorf("%+v, %v", list, err)
	}
	if was, err := elsewhere.Forget(t.Context(), "b"); !was || err != nil {
		t.Errorf("forgotten %v, %v", was, err)
	}
	if was, err := elsewhere.Forget(t.Context(), "b"); was || err != nil {
		t.Errorf("forgotten again %v, %v", was, err)
	}
	for _, m := range []*manager{a, c} {
		until(t, "b is forgotten", func() bool { return slices.Contains(m.heard(), "b: forgotten") })
		if err := m.stop(); err != nil {
			t.Error(err)
		}
		m.expect(t, "b/stale: failed", "b: failed", "b: forgotten", "b/stale: forgotten")
	}
}

// A gauge that hangs is killed with what it started, holds up nobody, and its reason
// has no secret in it.
func TestGaugeThatHangs(t *testing.T) {
	r := newRoom(t)
	a := r.manager("a")
	pid := filepath.Join(r.folder, "pid")
	a.Gauges = []watch.Gauge{
		{Name: "hangs", Command: "sleep 1000 & echo $! > " + pid + "; wait", Interval: time.Hour, Timeout: 3 * time.Second, TTL: time.Hour},
		{Name: "talks", Command: "echo hunter2 is wrong >&2; exit 1", Interval: time.Hour, Timeout: 10 * time.Second, TTL: time.Hour},
		{Name: "long", Command: "yes | tr -d '\\n' | head -c 100000", Interval: time.Hour, Timeout: 10 * time.Second, TTL: time.Hour},
	}
	a.Mask = func(s string) string { return strings.ReplaceAll(s, "hunter2", "xxx") }
	r.start(a)
	defer a.stop() //nolint:errcheck // once more, where the test ends early
	var said string
	until(t, "all have run", func() bool {
		shared, err := store.Open(t.Context(), "memcached://"+r.server.Address, store.Options{SigningKey: []byte(signingKey)})
		if err != nil {
			t.Fatal(err)
		}
		doc, _ := shared.Get(t.Context(), "peers/report/a")
		said = string(doc)
		return strings.Contains(said, "no end within 3s") && strings.Contains(said, "exit status 1: xxx is wrong") && strings.Contains(said, strings.Repeat("y", 256)+`"`)
	})
	if strings.Contains(said, "hunter2") {
		t.Errorf("published: %s", said)
	}
	text, err := os.ReadFile(pid)
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	until(t, "what it started is gone", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", child))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
	if err := a.stop(); err != nil {
		t.Error(err)
	}
}

// What stands in the place of a report and is none is said of its peer, which fails.
func TestRubbishInTheStore(t *testing.T) {
	r := newRoom(t)
	a, b, c := r.start(r.manager("a")), r.start(r.manager("b")), r.start(r.manager("c"))
	time.Sleep(time.Second)
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	err := a.Shared.Update(t.Context(), "peers/report/b", "test", func([]byte) ([]byte, error) { return []byte(`{"version":9}`), nil })
	if err != nil {
		t.Fatal(err)
	}
	var why string
	tell := c.Tell
	if err := c.stop(); err != nil {
		t.Fatal(err)
	}
	c.said, c.ids = nil, nil
	c.Own, err = store.Open(t.Context(), "file:"+t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.Tell = func(ctx context.Context, events []heartbeat.Event) error {
		for _, e := range events {
			why = e.Reason
		}
		return tell(ctx, events)
	}
	r.start(c)
	until(t, "b fails", func() bool { return slices.Contains(c.heard(), "b: failed") })
	if err := c.stop(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(why, "cannot read the report of b: it is of version 9") {
		t.Errorf("the reason is %q", why)
	}
	if err := a.stop(); err != nil {
		t.Error(err)
	}
}
