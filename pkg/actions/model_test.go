package actions

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// world is three managers that share a queue in a store that forgets, with
// machines that come and go. It is what the acting half does, without I/O.
type world struct {
	t        *testing.T
	label    string
	rng      *rand.Rand
	now      time.Duration // true time, by which the model judges
	doc      *Queue        // nil after a flush
	name     string        // of the document; another after every flush
	managers []*manager
	machines [3]string     // their states
	verified map[ID]bool   // what a handler found to be done
	dropped  map[ID]bool   // what was seen cancelled
	known    map[ID]Action // what somebody who may return holds
	starts   map[ID]int    // how often a handler was started
	lease    time.Duration
	rounds   int  // it took to come to an end
	calm     bool // nothing happens by chance
}

// manager is one manager. What is on its disk outlives its processes.
type manager struct {
	name     string
	disk     *Queue
	leases   Leases
	writer   string
	boot     string
	booted   time.Duration // when, in true time
	skew     time.Duration // of its wall clock
	cut      bool          // from the store
	life     int           // which process it is
	handlers map[ID]*handler
	lives    int    // writers it has had
	told     *Queue // what it brought into the document at its last look
	toldTo   string // that document
}

// handler is a piece of work under way.
type handler struct {
	claim Claim
	beat  Instant // when its last stored beat began
}

func newWorld(t *testing.T, label string, seed uint64) *world {
	w := &world{
		t: t, label: label, rng: rand.New(rand.NewPCG(seed, 4)), verified: map[ID]bool{}, dropped: map[ID]bool{},
		known: map[ID]Action{}, starts: map[ID]int{}, lease: lease, machines: [3]string{"running", "running", "running"},
		now: 24 * time.Hour,
	}
	for n := range 3 {
		m := &manager{name: fmt.Sprintf("m%d", n+1), booted: w.now - time.Duration(n)*time.Hour}
		w.managers = append(w.managers, m)
		w.loseDisk(m)
		w.reboot(m)
	}
	return w
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%s, at %s: %s", w.label, w.now, fmt.Sprintf(format, args...))
}

func (w *world) clock(m *manager) Instant { return Instant{m.boot, w.now - m.booted} }

func (w *world) wall(m *manager) time.Time { return t0.Add(w.now + m.skew) }

// restart ends the manager's process: what it did is left where it was.
func (w *world) restart(m *manager) { m.life, m.handlers = m.life+1, map[ID]*handler{} }

func (w *world) reboot(m *manager) {
	w.restart(m)
	m.boot, m.booted = fmt.Sprintf("%s-boot%d", m.name, m.life), w.now
}

// loseDisk takes the state directory away: it becomes a new writer.
func (w *world) loseDisk(m *manager) {
	w.restart(m)
	m.lives++
	m.told, m.toldTo = nil, ""
	m.disk, m.leases, m.writer = &Queue{}, Leases{}, fmt.Sprintf("%s-%d", m.name, m.lives)
	w.forget()
}

// flush empties the store.
func (w *world) flush() {
	w.doc, w.name = nil, ""
	w.forget()
}

// forget takes out of what must not be lost what nobody holds any more.
func (w *world) forget() {
	for id := range w.known {
		held := w.doc != nil && w.doc.Seen(id)
		for _, m := range w.managers {
			held = held || m.disk.Seen(id)
		}
		if !held {
			delete(w.known, id)
		}
	}
}

var errCut = errors.New("the store does not answer")

// update is one swap of the shared document: merged with the own copy, changed
// by f, and kept on disk afterwards. A lost answer leaves the disk as it was.
func (w *world) update(m *manager, f func(*Queue)) error {
	if m.cut {
		return errCut
	}
	if w.doc == nil {
		w.doc, w.name = &Queue{}, fmt.Sprintf("doc%d", w.rng.Uint64())
	}
	if !w.calm && w.rng.IntN(4) == 0 { // it had read an old copy, decided by it, and lost the swap
		stale := Merge(&Queue{}, m.disk)
		m.leases.Observe(w.name, stale, w.clock(m), w.lease)
		f(stale)
	}
	q := Merge(w.doc, m.disk)
	q.Confirm(m.writer, m.disk)
	m.leases = m.leases.Observe(w.name, q, w.clock(m), w.lease)
	f(q)
	m.told, m.toldTo = Merge(&Queue{}, m.disk), w.name
	w.doc = q.Clone()
	w.noteDropped(q)
	if !w.calm && w.rng.IntN(20) == 0 {
		return errors.New("the answer got lost")
	}
	w.store(m, q)
	return nil
}

// store replaces the copy on disk, by a merge.
func (w *world) store(m *manager, q *Queue) {
	next := Merge(m.disk, q)
	for id, was := range m.disk.actions {
		is, there := next.Get(id)
		switch {
		case was.State() == Done && there && is.State() != Done:
			w.fail("%s: %s was done and is %s", m.name, id, is.State())
		case !there && !was.State().Finished() && !w.verified[id] && !w.dropped[id]:
			w.fail("%s: %s was %s and is gone", m.name, id, was.State())
		}
	}
	m.disk = next
}

func (w *world) noteDropped(q *Queue) {
	for id, a := range q.actions {
		if a.State() == Cancelled {
			w.dropped[id] = true
		}
	}
}
