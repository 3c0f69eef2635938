package actions

import "time"

// Prune returns the queue without what was over for longer than keep. A plan
// goes as a whole, and nothing goes that unfinished work comes after, or whose
// owner may still be at work. The marks stay: they are how a copy that still
// has a pruned entry learns that it is over.
func (q *Queue) Prune(now time.Time, keep time.Duration) *Queue {
	needed := make(map[ID]bool)
	plans := make(map[planKey]bool)
	old := func(p Progress) bool {
		return p.State().Finished() && !p.Working() && now.Sub(p.Ended) > keep
	}
	for _, a := range q.actions {
		if old(a.Progress) {
			continue
		}
		plans[a.planKey()] = true
		if !a.State().Finished() {
			for _, id := range a.After {
				needed[id] = true
			}
		}
	}
	out := &Queue{
		actions: make(map[ID]*Action, len(q.actions)), holds: make(map[ID]Hold, len(q.holds)),
		marks: q.Clone().marks, held: q.held, unread: q.unread,
	}
	for id, a := range q.actions {
		if !old(a.Progress) || needed[id] || a.Plan != "" && plans[a.planKey()] {
			out.actions[id] = a
		}
	}
	for id, h := range q.holds {
		if over := h.over(); over.IsZero() || now.Sub(over) <= keep {
			out.holds[id] = h
		}
	}
	return out
}

// Clear returns the queue without its actions, which the other copies then lose
// too. Those at work are cancelled and stay until their owners have stopped.
// Nothing that was not read is cleared.
func (q *Queue) Clear(now time.Time) *Queue {
	out := q.Clone()
	for id, a := range q.actions {
		if !a.Progress.Working() {
			delete(out.actions, id)
			continue
		}
		if p, err := a.Progress.Cancel(now); err == nil {
			next := *a
			next.Progress = p
			out.actions[id] = &next
		}
	}
	return out
}

// planKey names a plan; names of plans are unique in a cluster.
type planKey struct{ cluster, plan string }

func (a *Action) planKey() planKey { return planKey{a.Cluster, a.Plan} }
