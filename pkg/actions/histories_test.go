package actions

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// calmWorld is a world in which only what a test does happens.
func calmWorld(t *testing.T) (w *world, m1, m2, m3 *manager) {
	w = newWorld(t, t.Name(), 1)
	w.calm = true
	for _, m := range w.managers {
		w.look(m)
	}
	w.pass(w.lease) // nobody has to wait for a document lost before
	return w, w.managers[0], w.managers[1], w.managers[2]
}

// expect checks how often the action was started, and where it stands in the store.
func (w *world) expect(id ID, starts int, state State) {
	w.t.Helper()
	a, there := w.doc.Get(id)
	if w.starts[id] != starts || there != (state != "") || a.State() != state && there {
		w.fail("%s was started %d times and is %q, want %d and %q", id, w.starts[id], a.State(), starts, state)
	}
}

// swap replaces the document with that name, if it is still there.
func (w *world) swap(name string, q *Queue) bool {
	if w.doc == nil || w.name != name {
		return false
	}
	w.doc = q
	return true
}

func (w *world) finishAll(m *manager) {
	for id, h := range m.handlers {
		w.finish(m, id, h)
	}
}

// (a) M1 finishes X, the copy of M2 says waiting, the store is flushed, M2 looks first.
func TestHistoryA(t *testing.T) {
	w, m1, m2, _ := calmWorld(t)
	x := w.ask(m1, "start:n1")[0]
	m2.cut = false
	_ = w.update(m2, func(*Queue) {}) // M2 has it, waiting
	m2.cut = true
	w.look(m1)
	w.finishAll(m1)
	w.expect(x, 1, Done)
	w.flush()
	m2.cut = false
	w.look(m2)
	w.expect(x, 1, Waiting)
	w.pass(w.lease - time.Second)
	w.look(m2)
	w.look(m1)
	w.expect(x, 1, Done)
	w.pass(time.Hour)
	w.look(m2)
	w.expect(x, 1, Done)
}

// (b) M1 works under a lease, the store is flushed, M2 restores a copy from
// before the lease.
func TestHistoryB(t *testing.T) {
	for _, cut := range []bool{false, true} {
		t.Run(fmt.Sprintf("M1 cut off: %v", cut), func(t *testing.T) {
			w, m1, m2, _ := calmWorld(t)
			x := w.ask(m1, "start:n1")[0]
			_ = w.update(m2, func(*Queue) {})
			w.look(m1)
			w.expect(x, 1, Running)
			w.flush()
			m1.cut = cut
			w.look(m2)
			w.expect(x, 1, Waiting)
			for range 10 { // M1 beats, or cannot
				w.pass(w.lease / 3)
				for _, m := range []*manager{m1, m2} {
					for id, h := range m.handlers {
						w.beat(m, id, h)
					}
				}
				w.look(m2) // start fails the test if M1 still is at work
			}
			if !cut {
				w.expect(x, 1, Running)
				w.finishAll(m1)
				w.expect(x, 1, Done)
				return
			}
			w.expect(x, 2, Running)
			m1.cut = false
			_ = w.update(m1, func(*Queue) {}) // M1 returns with its old claim
			w.look(m1)
			w.finishAll(m2)
			w.expect(x, 2, Done)
			w.look(m1)
		})
	}
}

// (c) The store restarts and its swap ids start again, so that an old swap
// would succeed. It would take out what came since, claims too: so it goes to
// the document it has read, which is not the one that everybody reads now.
func TestHistoryC(t *testing.T) {
	w, m1, m2, m3 := calmWorld(t)
	x := w.ask(m1, "start:n1")[0]
	read, name := Merge(w.doc, m1.disk), w.name // what M1 decides by
	w.flush()
	y := w.ask(m2, "start:n2")[0]
	w.look(m3)
	w.pass(w.lease)
	w.look(m3)
	w.expect(y, 1, Running)
	if w.swap(name, read) {
		t.Fatal("an old swap succeeded")
	}
	w.look(m1) // it begins again
	w.look(m2)
	w.expect(y, 1, Running)
	w.expect(x, 1, Running) // M2's wait was over
}

// What (c) would do if documents had no names: the claims are gone, and so is
// what the promise rests on. This is why Leases carry the name.
func TestHistoryCWithoutNames(t *testing.T) {
	w, m1, m2, m3 := calmWorld(t)
	read := Merge(w.doc, m1.disk)
	y := w.ask(m2, "start:n2")[0]
	w.look(m3)
	w.doc = read
	_ = w.update(m2, func(q *Queue) {
		a, _ := q.Get(y)
		if v, _ := q.Due(Input{
			Status: w.status(), Now: w.wall(m2), Clock: w.clock(m2), Leases: m2.leases, Limits: Usual(), Words: UsualWords(),
		}).Of(y); !v.Due || a.State() != Waiting {
			t.Errorf("%+v: the old swap did no harm, so the names are not needed", v)
		}
	})
	for id, h := range m3.handlers {
		w.beat(m3, id, h)
	}
	if a, _ := w.doc.Get(y); a.State() != Running {
		t.Errorf("%s: the claim did not come back with its owner", a.State())
	}
}

// (d) A done action that was pruned comes back as waiting from a manager that
// was cut off for long.
func TestHistoryD(t *testing.T) {
	w, m1, m2, m3 := calmWorld(t)
	x := w.ask(m1, "start:n1")[0]
	_ = w.update(m3, func(*Queue) {})
	m3.cut = true
	w.look(m1)
	w.finishAll(m1)
	w.pass(240 * time.Hour)
	for _, m := range []*manager{m1, m2} {
		if err := w.update(m, func(q *Queue) { *q = *q.Prune(w.wall(m), time.Hour) }); err != nil {
			t.Fatal(err)
		}
	}
	w.expect(x, 1, "")
	for range 2 { // even if only M2, who never held it, puts it there again after a flush
		m3.cut = false
		for range 5 {
			w.look(m3)
			w.look(m2)
			w.pass(w.lease)
		}
		w.expect(x, 1, "")
		if _, there := m3.disk.Get(x); there {
			t.Error("it lives on with the manager that was cut off")
		}
		w.flush()
	}
}

// (e) The only copy sits on a laptop that never looks again: nobody can know of
// it, so whoever asked was told that nobody else holds it.
func TestHistoryE(t *testing.T) {
	w, m1, m2, laptop := calmWorld(t)
	laptop.cut = true
	x := w.ask(laptop, "start:n1")[0]
	if got := w.doc.Holders(x); len(got) != 0 || laptop.disk.Len() != 1 {
		t.Errorf("held by %v", got)
	}
	w.look(m1)
	w.expect(x, 0, "")
	laptop.cut = false
	_ = w.update(laptop, func(*Queue) {})
	if got := fmt.Sprint(w.doc.Holders(x)); got != "[m3-1]" {
		t.Errorf("held by %s", got)
	}
	_ = w.update(m1, func(*Queue) {})
	_ = w.update(m1, func(*Queue) {}) // its disk had it when it began
	if got := fmt.Sprint(w.doc.Holders(x)); got != "[m1-1 m3-1]" {
		t.Errorf("held by %s", got)
	}
	laptop.cut = true // for ever
	w.flush()
	w.look(m2)
	w.look(m1)
	w.pass(w.lease)
	w.look(m1)
	w.expect(x, 1, Running)
}

// One of two managers has a clock that is an hour off. It fails an action and
// never comes back; the other one has it no later than one and a half leases
// after the delay; meanwhile nothing runs twice.
func TestClockAnHourOff(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, 0, time.Hour} {
		for _, crash := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, crash %v", skew, crash), func(t *testing.T) {
				w, m1, m2, _ := calmWorld(t)
				m1.skew = skew
				x := w.ask(m1, "start:n1")[0]
				w.look(m1)
				w.look(m2)
				w.expect(x, 1, Running)
				allowed := w.lease + w.lease/2
				if h := m1.handlers[x]; !crash {
					failure := Usual().Judge(w.known[x], errors.New("no"), w.wall(m1))
					w.end(m1, x, func(a Action) (Progress, error) { return a.Progress.Fail(h.claim, failure) })
					allowed += failure.Delay
				}
				m1.cut = true
				w.restart(m1)
				failed := w.now
				for w.starts[x] < 2 {
					if w.pass(time.Second); w.now-failed > allowed+time.Second {
						t.Fatalf("still %s after %s", statesOf(w.doc), w.now-failed)
					}
					w.look(m2)
				}
			})
		}
	}
}
