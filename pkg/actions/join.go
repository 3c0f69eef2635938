package actions

import (
	"maps"
	"slices"
)

// sameKey is what makes two actions the same work.
type sameKey struct {
	cluster, level, action, group string
	when                          Trigger
}

func (a *Action) sameKey() sameKey {
	return sameKey{a.Cluster, a.Do.Level, a.Do.Action, a.Do.Group, a.When}
}

// joiner finds unfinished work to join.
type joiner struct {
	q      *Queue
	same   map[sameKey][]ID
	failed map[planKey]bool // plans in which something failed: who joins them gets stuck
	last   map[planKey]ID   // of a plan asked for now, the last action joined
	begun  map[planKey]bool // a plan asked for now of which something was not joined
}

func newJoiner(q *Queue) *joiner {
	j := &joiner{
		q: q, same: make(map[sameKey][]ID), failed: make(map[planKey]bool),
		last: make(map[planKey]ID), begun: make(map[planKey]bool),
	}
	for id, a := range q.actions {
		switch a.State() {
		case Waiting, Running:
			j.same[a.sameKey()] = append(j.same[a.sameKey()], id)
		case Failed:
			j.failed[a.planKey()] = a.Plan != ""
		}
	}
	for _, ids := range j.same {
		slices.SortFunc(ids, ID.Compare)
	}
	return j
}

// find returns what the draft, whose After are ids of the queue, can join.
func (j *joiner) find(draft *Action) (ID, bool) {
	for _, id := range j.same[draft.sameKey()] {
		if old := j.q.actions[id]; j.joins(draft, old) {
			return id, true
		}
	}
	return ID{}, false
}

// joins tells whether the draft asks for nothing that old does not do: not for
// another machine, an earlier start, other preconditions, or another place in the
// order. What is bound to no machine yet is for the one that has come since.
func (j *joiner) joins(draft, old *Action) bool {
	if old.Instance != "" && old.Instance != draft.Instance || old.NotBefore.After(draft.NotBefore) && old.NotBefore.After(draft.Created) ||
		j.failed[old.planKey()] || !maps.Equal(old.Require, draft.Require) {
		return false
	}
	for _, id := range draft.After {
		if !j.follows(old, id) {
			return false
		}
	}
	if draft.Plan == "" {
		return true
	}
	last, some := j.last[draft.planKey()]
	return !j.begun[draft.planKey()] && (!some || j.follows(old, last))
}

// follows tells whether a comes after id by its own word or its plan's.
func (j *joiner) follows(a *Action, id ID) bool {
	before, ok := j.q.actions[id]
	return slices.Contains(a.After, id) ||
		ok && a.Plan != "" && before.planKey() == a.planKey() && before.ID.Compare(a.ID) < 0
}

// add queues the drafts that are not bad.
func (b *batch) add() []Added {
	j := newJoiner(b.q)
	ids := make([]ID, len(b.drafts))
	next := b.q.next(b.r.Writer)
	var out []Added
	for n := range b.drafts {
		a := &b.drafts[n]
		if b.errs[n] != nil {
			continue
		}
		id, joined := ID{}, false
		if b.resolve(a, ids) {
			id, joined = j.find(a)
		}
		if joined && a.Plan != "" {
			j.last[a.planKey()] = id
		}
		if !joined {
			id = next
			next.Seq++
			j.mark(a)
			b.put(a, id, ids)
			j.same[a.sameKey()] = append(j.same[a.sameKey()], id)
		}
		ids[n] = id
		out = append(out, Added{n + 1, id, joined})
	}
	for _, d := range out {
		if a := &b.drafts[d.Draft-1]; !d.Joined {
			b.put(a, d.ID, ids) // now that what it names has got its id
		}
	}
	return out
}

// mark notes that a draft is queued as a new action; the first such of a plan
// comes after what the plan joined.
func (j *joiner) mark(a *Action) {
	if a.Plan == "" {
		return
	}
	if last, some := j.last[a.planKey()]; some && !j.begun[a.planKey()] {
		a.After = append(slices.Clone(a.After), last)
	}
	j.begun[a.planKey()] = true
}

// resolve replaces references to drafts by the ids those have got, and leaves
// out what is done. It returns false if a draft it names has no id yet.
func (b *batch) resolve(a *Action, ids []ID) bool {
	var after []ID
	all := true
	for _, id := range a.After {
		if n, ok := b.draft(id); ok && ids[n] != (ID{}) {
			id = ids[n]
		} else if ok {
			all = false
		}
		if old, ok := b.q.actions[id]; ok && old.State() == Done || slices.Contains(after, id) {
			continue
		}
		after = append(after, id)
	}
	a.After = after
	return all
}

// put writes a new action into the queue.
func (b *batch) put(a *Action, id ID, ids []ID) {
	b.resolve(a, ids)
	slices.SortFunc(a.After, ID.Compare)
	a.ID = id
	b.q.put(*a)
}
