package watch_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/peers/watch"
	"github.com/clmgr/clmgr/pkg/store"
)

// site is managers that share a folder, in a bubble of time.
type site struct {
	t      *testing.T
	ctx    context.Context
	folder string
	shared store.Store
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, ctx: t.Context(), folder: t.TempDir()}
	s.shared = s.open("shared")
	return s
}

func (s *site) open(name string) store.Store {
	s.t.Helper()
	opened, err := store.Open(s.ctx, "file:"+filepath.Join(s.folder, name), store.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	return opened
}

// manager is one of them.
type manager struct {
	watch.Options
	stop func() error

	mu   sync.Mutex
	said []string
	ids  []string
	last time.Time // beat
}

func (s *site) manager(name string) *manager {
	m := &manager{stop: func() error { return nil }}
	m.Options = watch.Options{
		Manager: name, Settings: settings(time.Second, 10*time.Second), Shared: s.shared, Own: s.open(name),
		Disk: "/", Mask: func(s string) string { return s }, Tell: m.tell,
	}
	return m
}

func (m *manager) tell(_ context.Context, events []heartbeat.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range events {
		if !slices.Contains(m.ids, e.ID) { // as the log does
			m.ids = append(m.ids, e.ID)
			m.said = append(m.said, e.Key.Name+": "+e.Is.State)
		}
	}
	return nil
}

// start runs the loop until the function that it keeps is called.
func (m *manager) start(s *site) *manager {
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan error, 1)
	go func() {
		done <- watch.New(m.Options).Run(ctx, func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.last = time.Now()
		})
	}()
	m.stop = sync.OnceValue(func() error { cancel(); return <-done })
	return m
}

// beat tells how long ago the last one was.
func (m *manager) beat() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Since(m.last)
}

func (m *manager) expect(t *testing.T, want ...string) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Equal(m.said, want) {
		t.Errorf("%s told %q, want %q", m.Manager, m.said, want)
	}
}

// Who takes the events stands still while peers fail and recover: the passes go on,
// and nothing is lost (S3.4). When that lasts, only the beats stop.
func TestNobodyTakesTheEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		a, b, c, d := s.manager("a"), s.manager("b").start(s), s.manager("c").start(s), s.manager("d").start(s)
		release := make(chan struct{})
		a.Tell = func(ctx context.Context, events []heartbeat.Event) error {
			<-release
			return a.tell(ctx, events)
		}
		a.start(s)
		time.Sleep(20 * time.Second)
		if ago := a.beat(); ago > time.Second {
			t.Errorf("the last beat was %s ago", ago)
		}
		for _, peer := range []*manager{b, c} {
			if err := peer.stop(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(8 * time.Second)
			peer.start(s)
			time.Sleep(8 * time.Second)
		}
		a.expect(t)
		time.Sleep(time.Minute)
		if ago := a.beat(); ago < 30*time.Second {
			t.Errorf("the last beat was %s ago, though a delivery hangs", ago)
		}
		close(release)
		time.Sleep(2 * time.Second)
		a.expect(t, "b: failed", "b: running", "c: failed", "c: running")
		if ago := a.beat(); ago > time.Second {
			t.Errorf("the last beat was %s ago, though the delivery is over", ago)
		}
		for _, m := range []*manager{a, b, c, d} {
			if err := m.stop(); err != nil {
				t.Error(err)
			}
		}
	})
}

// Passes go on while there is nobody to tell, though telling fails at once.
func TestTellingFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		a, b, c := s.manager("a"), s.manager("b").start(s), s.manager("c").start(s)
		var tries atomic.Int32
		a.Tell = func(ctx context.Context, events []heartbeat.Event) error {
			if tries.Add(1) < 6 {
				return errors.New("disk full")
			}
			return a.tell(ctx, events)
		}
		a.start(s)
		time.Sleep(20 * time.Second)
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if n := tries.Load(); n < 3 || n > 5 {
			t.Errorf("%d tries in some seconds", n)
		}
		b.start(s)
		time.Sleep(30 * time.Second)
		a.expect(t, "b: failed", "b: running")
		for _, m := range []*manager{a, b, c} {
			if err := m.stop(); err != nil {
				t.Error(err)
			}
		}
	})
}

// dying is a store whose owner dies before or after a write: the loop ends there.
type dying struct {
	store.Store
	writes *atomic.Int32
	at     int32
	after  bool
}

var errDead = errors.New("killed")

func (d dying) Update(ctx context.Context, key, why string, f func([]byte) ([]byte, error)) error {
	n := d.writes.Add(1)
	dies := n == d.at
	if dies && !d.after {
		return errDead
	}
	if n > d.at { // the dead write nothing
		return errDead
	}
	if err := d.Store.Update(ctx, key, why, f); err != nil || !dies {
		return err
	}
	return errDead
}

// A manager that dies before or after any of its writes, and starts again, tells each
// failure and each recovery once.
func TestDiesAtEveryWrite(t *testing.T) {
	for at := range int32(8) {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d %v", at+1, after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { diesAt(t, at+1, after) })
			})
		}
	}
}

func diesAt(t *testing.T, at int32, after bool) {
	s := newSite(t)
	a, b, c := s.manager("a"), s.manager("b").start(s), s.manager("c").start(s)
	good, dead := a.Own, false
	var writes atomic.Int32
	a.Own = dying{good, &writes, at, after}
	a.start(s)
	again := func() {
		if writes.Load() >= at && !dead {
			dead = true
			if err := a.stop(); !errors.Is(err, errDead) {
				t.Errorf("it ended with %v", err)
			}
			a.Own = good
			a.start(s)
		}
	}
	step := func(d time.Duration) {
		for range int(d / time.Second) {
			time.Sleep(time.Second)
			again()
		}
	}
	step(20 * time.Second)
	for range 2 {
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		step(20 * time.Second)
		b.start(s)
		step(20 * time.Second)
	}
	a.expect(t, "b: failed", "b: running", "b: failed", "b: running")
	b.expect(t)
	c.expect(t, "b: failed", "b: running", "b: failed", "b: running")
	for _, m := range []*manager{b, c} {
		if err := m.stop(); err != nil {
			t.Error(err)
		}
	}
	if err := a.stop(); err != nil && dead {
		t.Error(err)
	}
}

// A reload ends the loop and starts another: nobody sees that, and the windows are kept.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		all := []*manager{s.manager("a").start(s), s.manager("b").start(s), s.manager("c").start(s)}
		time.Sleep(20 * time.Second)
		for range 5 {
			for _, m := range all {
				if err := m.stop(); err != nil {
					t.Fatal(err)
				}
				m.start(s)
				time.Sleep(1500 * time.Millisecond)
			}
		}
		for _, m := range all {
			m.expect(t)
		}
		if err := all[1].stop(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second) // a plain expiry takes twice as long
		all[0].expect(t, "b: failed")
		for _, m := range []*manager{all[0], all[2]} {
			if err := m.stop(); err != nil {
				t.Error(err)
			}
		}
	})
}
