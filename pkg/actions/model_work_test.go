package actions

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

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
				taken[id] = &handler{claim: p.Claim(), beat: began0}
				return p, err
			})
			if err != nil {
				w.fail("%s is due and cannot be claimed: %v", id, err)
			}
		}
		if !w.calm && w.rng.IntN(3) == 0 {
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
	w.end(m, id, func(a Action) (Progress, error) { return a.Progress.Finish(h.claim, w.wall(m)) })
}

// end makes the last move of a handler that has stopped: on disk, where it may
// be all that is left if the store does not answer, and in the store.
func (w *world) end(m *manager, id ID, f func(Action) (Progress, error)) {
	delete(m.handlers, id)
	if _, ok := m.disk.Get(id); ok && !w.calm && w.rng.IntN(2) == 0 {
		q := m.disk.Clone()
		w.refused(q.Change(id, f))
		w.store(m, q)
	}
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
			lost, next = err != nil, p.Claim()
			return p, err
		})
		w.refused(err)
	})
	switch {
	case err == nil && lost: // it stops, and then says so
		w.end(m, id, func(a Action) (Progress, error) { return a.Progress.Stop(h.claim) })
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

// pass lets time go by. An owner stops at the end of its lease, on its own
// clock; now and then it finds out that the work was done all the same.
func (w *world) pass(d time.Duration) {
	w.now += d
	for _, m := range w.managers {
		for _, id := range slices.SortedFunc(maps.Keys(m.handlers), ID.Compare) {
			h := m.handlers[id]
			if h.claim.MayAct(h.beat, w.clock(m)) {
				continue
			}
			delete(m.handlers, id)
			if _, ok := m.disk.Get(id); ok && !w.calm && w.rng.IntN(4) == 0 {
				w.finishLate(m, id, h)
			}
		}
	}
}

// finishLate records on disk alone what a handler verified.
func (w *world) finishLate(m *manager, id ID, h *handler) {
	w.verified[id] = true
	q := m.disk.Clone()
	w.refused(q.Change(id, func(a Action) (Progress, error) { return a.Progress.Finish(h.claim, w.wall(m)) }))
	w.store(m, q)
}
