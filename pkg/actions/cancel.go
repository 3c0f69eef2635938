package actions

import (
	"errors"
	"fmt"
	"time"
)

// Cancel gives up an action and all that comes after it, and returns their ids,
// it first. One that is done already is refused (*Refused, From Done), and its
// successors stay.
func (q *Queue) Cancel(id ID, now time.Time) ([]ID, error) {
	if err := q.Change(id, func(a Action) (Progress, error) { return a.Progress.Cancel(plain(now)) }); err != nil {
		return nil, err
	}
	out := []ID{id}
	after := q.successors()
	for n := 0; n < len(out); n++ {
		for _, next := range after(out[n]) {
			if a := q.actions[next]; a.State().Finished() {
				continue
			}
			err := q.Change(next, func(a Action) (Progress, error) { return a.Progress.Cancel(plain(now)) })
			if err == nil {
				out = append(out, next)
			}
		}
	}
	return out, nil
}

// CancelPlan cancels what is not finished of a plan, and what comes after that.
func (q *Queue) CancelPlan(cluster, plan string, now time.Time) ([]ID, error) {
	var out []ID
	found := false
	for _, a := range q.All() {
		if a.Plan != plan || plan == "" || cluster != "" && a.Cluster != cluster {
			continue
		}
		found = true
		ids, err := q.Cancel(a.ID, now)
		var refused *Refused
		if err != nil && !errors.As(err, &refused) {
			return out, err
		}
		if a, _ := q.Get(a.ID); a.State() == Cancelled {
			out = append(out, ids...)
		}
	}
	if !found {
		return nil, fmt.Errorf("cannot cancel plan %q: there is none", plan)
	}
	return dedupe(out), nil
}

func dedupe(ids []ID) []ID {
	seen := make(map[ID]bool, len(ids))
	var out []ID
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

// successors returns a function that gives what directly comes after an
// action: by its word, or in its plan.
func (q *Queue) successors() func(ID) []ID {
	named := make(map[ID][]ID)
	plans := make(map[planKey][]ID)
	for id, a := range q.actions {
		for _, before := range a.After {
			named[before] = append(named[before], id)
		}
		if a.Plan != "" {
			plans[a.planKey()] = append(plans[a.planKey()], id)
		}
	}
	return func(id ID) []ID {
		out := named[id]
		a, ok := q.actions[id]
		if !ok {
			return out
		}
		for _, next := range plans[a.planKey()] {
			if a.Plan != "" && id.Compare(next) < 0 {
				out = append(out[:len(out):len(out)], next)
			}
		}
		return out
	}
}
