package actions

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
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
	rounds   int // it took to come to an end
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
	if w.rng.IntN(4) == 0 { // it had read an old copy, decided by it, and lost the swap
		stale := Merge(&Queue{}, m.disk)
		m.leases.Observe(w.name, stale, w.clock(m), w.lease)
		f(stale)
	}
	q := Merge(w.doc, m.disk)
	m.leases = m.leases.Observe(w.name, q, w.clock(m), w.lease)
	f(q)
	m.told, m.toldTo = Merge(&Queue{}, m.disk), w.name
	w.doc = q.Clone()
	w.noteDropped(q)
	if w.rng.IntN(20) == 0 {
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

// ask queues work: first in the own copy, then in the shared one.
func (w *world) ask(m *manager, words ...string) []ID {
	var drafts []Action
	for _, word := range words {
		verb, group, _ := strings.Cut(word, ":")
		machine := w.rng.IntN(3)
		a := Action{Cluster: "prod", Do: command.Command{Level: "services", Action: verb, Group: group}}
		if group[0] == 'n' {
			machine = int(group[1] - '1')
		}
		a.When = Trigger{IP: ipOf(w.t, fmt.Sprintf("m%d", machine+1)), Kind: heartbeat.Instances, State: heartbeat.Running}
		drafts = append(drafts, a)
	}
	q := m.disk.Clone()
	added, bad := q.Add(Request{Writer: m.writer, Drafts: drafts, InOrder: true, Now: w.wall(m), Limits: Usual(), Words: UsualWords()})
	if len(bad) > 0 {
		w.fail("%v", bad)
	}
	w.store(m, q)
	var ids []ID
	for _, a := range added {
		if a.Joined {
			continue
		}
		w.known[a.ID], _ = q.Get(a.ID)
		ids = append(ids, a.ID)
	}
	_ = w.update(m, func(*Queue) {}) // cut off, it stays on disk until the next look
	return ids
}

func (w *world) status() heartbeat.Status {
	var words strings.Builder
	for n, state := range w.machines {
		fmt.Fprintf(&words, "m%d=%s n%d@m%d=running ", n+1, state, n+1, n+1)
	}
	return status(w.t, words.String())
}

// look is one heartbeat: see, settle, claim what is due, start it.
func (w *world) look(m *manager) {
	began, began0 := m.disk, w.clock(m)
	taken := map[ID]*handler{}
	err := w.update(m, func(q *Queue) {
		clear(taken)
		in := Input{
			Status: w.status(), Began: began, Now: w.wall(m), Clock: w.clock(m), Leases: m.leases, Limits: Usual(), Words: UsualWords(),
		}
		in.Limits.Lease = w.lease
		r := q.Due(in)
		if len(q.Settle(r, in)) > 0 {
			r = q.Due(in)
		}
		for _, id := range r.Due {
			err := q.Change(id, func(a Action) (Progress, error) {
				p, err := a.Progress.Take(fmt.Sprintf("%s/%d", m.name, m.life), w.lease, w.wall(m))
				taken[id] = &handler{claim: p.Claim, beat: began0}
				return p, err
			})
			if err != nil {
				w.fail("%s is due and cannot be claimed: %v", id, err)
			}
		}
		if w.rng.IntN(3) == 0 {
			*q = *q.Prune(w.wall(m), time.Minute)
		}
	})
	if err != nil {
		return
	}
	for _, id := range slices.SortedFunc(maps.Keys(taken), ID.Compare) {
		w.start(m, id, taken[id])
	}
}

// start is where all promises are checked.
func (w *world) start(m *manager, id ID, h *handler) {
	a, ok := m.disk.Get(id)
	if !ok {
		w.fail("%s starts %s, which its disk does not hold", m.name, id)
	}
	for _, o := range w.managers {
		for other, oh := range o.handlers {
			b, _ := o.disk.Get(other)
			if !oh.claim.MayAct(oh.beat, w.clock(o)) {
				continue
			}
			if other == id || b.Do.Group == a.Do.Group || b.Do.Group == "all" || a.Do.Group == "all" {
				w.fail("%s starts %s (%s) while %s is at work on %s (%s)", m.name, id, a.Do.Group, o.name, other, b.Do.Group)
			}
		}
		if o.toldTo != w.name {
			continue // it has not come back yet
		}
		if x, there := o.told.Get(id); there && x.State() == Done || !there && o.told.Seen(id) {
			w.fail("%s starts %s, which %s knew to be over", m.name, id, o.name)
		}
	}
	for before, b := range w.known {
		if a.Plan != "" && b.planKey() == a.planKey() && before.Compare(id) < 0 && !w.verified[before] {
			w.fail("%s starts %s before %s is done", m.name, id, before)
		}
	}
	w.starts[id]++
	m.handlers[id] = h
}

// work lets the manager's handlers beat, end well or badly, or stop.
func (w *world) work(m *manager, success int) {
	for _, id := range slices.SortedFunc(maps.Keys(m.handlers), ID.Compare) {
		h := m.handlers[id]
		switch n := w.rng.IntN(10); {
		case n < success:
			w.finish(m, id, h)
		case n == 9 && success < 9:
			w.end(m, id, func(a Action) (Progress, error) {
				return a.Progress.Fail(h.claim, Usual().Judge(a, errors.New("no"), w.wall(m)))
			})
		default:
			w.beat(m, id, h)
		}
	}
}

func (w *world) finish(m *manager, id ID, h *handler) {
	w.verified[id] = true
	if _, ok := m.disk.Get(id); ok && w.rng.IntN(2) == 0 {
		q := m.disk.Clone()
		w.refused(q.Change(id, func(a Action) (Progress, error) { return a.Progress.FinishLate(h.claim, w.wall(m)) }))
		w.store(m, q)
	}
	w.end(m, id, func(a Action) (Progress, error) { return a.Progress.Finish(h.claim, w.wall(m)) })
}

// end makes the last move of a handler; cut off, it is as if the process had died.
func (w *world) end(m *manager, id ID, f func(Action) (Progress, error)) {
	delete(m.handlers, id)
	_ = w.update(m, func(q *Queue) {
		if _, ok := q.Get(id); ok {
			w.refused(q.Change(id, f))
		}
	})
}

func (w *world) beat(m *manager, id ID, h *handler) {
	began, lost := w.clock(m), false
	next := h.claim
	err := w.update(m, func(q *Queue) {
		lost = true
		if _, ok := q.Get(id); !ok {
			return
		}
		err := q.Change(id, func(a Action) (Progress, error) {
			p, err := a.Progress.Beat(h.claim)
			if err != nil && a.State().Finished() {
				if stopped, ferr := a.Progress.Fail(h.claim, Failure{Err: "stopped"}); ferr == nil {
					return stopped, nil
				}
			}
			lost, next = err != nil, p.Claim
			return p, err
		})
		w.refused(err)
	})
	switch {
	case err == nil && lost:
		delete(m.handlers, id)
	case err == nil:
		h.claim, h.beat = next, began
	}
}

// refused fails the test for any error that is not a typed refusal.
func (w *world) refused(err error) {
	var r *Refused
	if err != nil && !errors.As(err, &r) {
		w.fail("%v", err)
	}
}

// pass lets time go by. An owner stops at the end of its lease, on its own clock.
func (w *world) pass(d time.Duration) {
	w.now += d
	for _, m := range w.managers {
		for id, h := range m.handlers {
			if !h.claim.MayAct(h.beat, w.clock(m)) {
				delete(m.handlers, id)
			}
		}
	}
}
