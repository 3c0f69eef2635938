package watch_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/children"
	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
	"github.com/clmgr/clmgr/internal/memcachedtest"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/peers/watch"
)

// machines are three real ones, each with a manager in a process of its own.
type machines struct {
	*lab.Lab
	t     *testing.T
	store string

	mu   sync.Mutex
	told map[string][]heartbeat.Event
}

// names are those of the machines and of their managers.
func names() []string { return []string{"m1", "m2", "m3"} }

// watchEverywhere starts a manager on each machine, and returns when all watch.
func watchEverywhere(t *testing.T, l *lab.Lab, address, folder string) *machines {
	t.Helper()
	m := &machines{Lab: l, t: t, store: address, told: map[string][]heartbeat.Event{}}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	t.Cleanup(func() { cancel(); all.Wait() })
	for _, name := range names() {
		read, write := io.Pipe()
		command := fmt.Sprintf("%s=watch GORACE=atexit_sleep_ms=0 /root/watch.test %s %s %s 500ms 5s", children.Variable, name, address, folder)
		all.Go(func() {
			_ = l.Machine(name).Exec(ctx, command, nil, write, t.Output()) // it ends by being killed
			write.Close()
		})
		lines := bufio.NewScanner(read)
		if !lines.Scan() || lines.Text() != "watching" {
			t.Fatalf("no manager on %s: %q", name, lines.Text())
		}
		all.Go(func() { m.listen(name, lines) })
	}
	time.Sleep(8 * time.Second) // until the windows are long enough for phi
	return m
}

func (m *machines) listen(name string, lines *bufio.Scanner) {
	for lines.Scan() {
		var e heartbeat.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			m.t.Error(err)
		}
		m.mu.Lock()
		m.told[name] = append(m.told[name], e)
		m.mu.Unlock()
	}
}

// said is what a manager has told, in short.
func (m *machines) said(name string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, e := range m.told[name] {
		out = append(out, e.Key.Name+" "+e.Is.State)
	}
	return out
}

// expect waits until the managers have told what is wanted and then some more, for what
// they should not tell.
func (m *machines) expect(want map[string][]string) {
	m.t.Helper()
	for _, name := range names() {
		until(m.t, name+" tells "+strings.Join(want[name], ", "), func() bool { return len(m.said(name)) >= len(want[name]) })
	}
	time.Sleep(6 * time.Second)
	for _, name := range names() {
		if got := m.said(name); !slices.Equal(got, want[name]) {
			m.t.Errorf("%s told %q, want %q", name, got, want[name])
		}
	}
}

func (m *machines) cut(c lab.Cut) (heal func()) {
	m.t.Helper()
	undo, err := m.Cut(m.t.Context(), c)
	if err != nil {
		m.t.Fatal(err)
	}
	return func() {
		m.t.Helper()
		if err := undo(m.t.Context()); err != nil {
			m.t.Fatal(err)
		}
	}
}

// Three managers on three machines: whoever is cut off, stands still or loses the
// store, each of the others tells it once, it itself tells once whom it lost, and each
// tells once that it is over.
func TestThreeMachines(t *testing.T) {
	l := labtest.Up(t, lab.Debian12(), names()...)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names() {
		if err := l.Machine(name).Copy(t.Context(), self, "/root/watch.test"); err != nil {
			t.Fatal(err)
		}
	}
	server := memcachedtest.Start(t, l.HostIP().String())
	t.Run("cut off", func(t *testing.T) { cutOff(watchEverywhere(t, l, server.Address, "/root/one")) })
	server.Flush()
	t.Run("stands still", func(t *testing.T) { standsStill(watchEverywhere(t, l, server.Address, "/root/two")) })
	server.Flush()
	t.Run("cut off with the store", func(t *testing.T) { cutOffWithStore(watchEverywhere(t, l, server.Address, "/root/three")) })
}

// cutOff cuts one machine off, in both directions and in one, and heals that.
func cutOff(m *machines) {
	heal := m.cut(lab.Cut{From: []string{"m1"}})
	begun := time.Now()
	until(m.t, "m2 sees m1 fail", func() bool { return len(m.said("m2")) > 0 })
	if took := time.Since(begun); took > 4*time.Second {
		m.t.Errorf("it took %s to see m1 fail; its time to live is 5s", took)
	}
	m.expect(map[string][]string{"m1": {"m1 isolated"}, "m2": {"m1 failed"}, "m3": {"m1 failed"}})
	if lost := m.told["m1"][0].Labels["lost"]; lost != "m2,m3" {
		m.t.Errorf("m1 lost %q", lost)
	}
	heal()
	m.expect(map[string][]string{
		"m1": {"m1 isolated", "m1 seeing"}, "m2": {"m1 failed", "m1 running"}, "m3": {"m1 failed", "m1 running"},
	})
	heal = m.cut(lab.Cut{From: []string{"m3"}, OneWay: true})
	m.expect(map[string][]string{
		"m1": {"m1 isolated", "m1 seeing", "m3 failed"}, "m2": {"m1 failed", "m1 running", "m3 failed"},
		"m3": {"m1 failed", "m1 running", "m3 isolated"},
	})
	heal()
	m.expect(map[string][]string{
		"m1": {"m1 isolated", "m1 seeing", "m3 failed", "m3 running"},
		"m2": {"m1 failed", "m1 running", "m3 failed", "m3 running"},
		"m3": {"m1 failed", "m1 running", "m3 isolated", "m3 seeing"},
	})
	o, err := options(m.t.Context(), "viewer", m.store, m.t.TempDir(), settings(500*time.Millisecond, 5*time.Second))
	if err != nil {
		m.t.Fatal(err)
	}
	if list, err := watch.New(o).List(m.t.Context()); err != nil || !list.Running() || len(list.Peers) != 3 {
		m.t.Errorf("%+v, %v", list, err)
	}
}

// standsStill stops all of a machine, which loses nobody by that: it did not look.
func standsStill(m *machines) {
	if err := m.Machine("m2").Freeze(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
	m.expect(map[string][]string{"m1": {"m2 failed"}, "m3": {"m2 failed"}})
	if err := m.Machine("m2").Thaw(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
	m.expect(map[string][]string{"m1": {"m2 failed", "m2 running"}, "m3": {"m2 failed", "m2 running"}})
}

// cutOffWithStore cuts off one machine together with the store, as if that ran there:
// nobody sees anybody, and everybody says that of himself and blames none.
func cutOffWithStore(m *machines) {
	heal := m.cut(lab.Cut{From: []string{"m1", lab.Host}, To: []string{"m2", "m3"}})
	m.expect(map[string][]string{"m1": {"m1 isolated"}, "m2": {"m2 isolated"}, "m3": {"m3 isolated"}})
	heal()
	m.expect(map[string][]string{
		"m1": {"m1 isolated", "m1 seeing"}, "m2": {"m2 isolated", "m2 seeing"}, "m3": {"m3 isolated", "m3 seeing"},
	})
}
