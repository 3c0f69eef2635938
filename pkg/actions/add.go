package actions

import (
	"fmt"
	"slices"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
)

// Request is work to be queued.
type Request struct {
	Writer string // of the copy that is added to: the manager's own
	// Drafts are the actions, without ids. Their After may name actions of the
	// queue, and by an ID without a writer each other: Seq 1 is the first draft.
	Drafts []Action
	// InOrder makes one plan of the drafts that name none, if there are several.
	InOrder bool
	// Strict queues nothing if one draft is bad.
	Strict  bool
	AskedBy Asker
	Now     time.Time
	Limits  Limits
	Words   Words
}

// Added is what became of a draft.
type Added struct {
	Draft  int // from 1
	ID     ID
	Joined bool // the same was asked for before and is not finished
}

// Bad is an entry that was not taken.
type Bad struct {
	Entry int // from 1
	Err   error
}

func (b Bad) Error() string { return fmt.Sprintf("cannot queue entry %d: %v", b.Entry, b.Err) }

func (b Bad) Unwrap() error { return b.Err }

// Add queues the drafts and returns what became of each; what is bad is named
// and left out, and with it whatever was to come after it. What is asked for a
// second time joins the first, if that is not finished, and its place among what
// is asked for now is no other than the place it has.
func (q *Queue) Add(r Request) ([]Added, []Bad) {
	b := &batch{q: q, r: r, errs: make([]error, len(r.Drafts))}
	b.drafts = slices.Clone(r.Drafts)
	for n := range b.drafts {
		b.normalize(&b.drafts[n])
	}
	b.name()
	b.link()
	for n := range b.drafts {
		b.errs[n] = b.check(&b.drafts[n])
	}
	b.checkPlans()
	b.refuseCycles()
	b.refuseFollowers()
	var bad []Bad
	for n, err := range b.errs {
		if err != nil {
			bad = append(bad, Bad{n + 1, err})
		}
	}
	if r.Strict && len(bad) > 0 {
		return nil, bad
	}
	return b.add(), bad
}

// batch is a request on its way into a queue.
type batch struct {
	q      *Queue
	r      Request
	drafts []Action
	errs   []error
	prev   []int // of each draft the one before it in its plan; -1 for none
}

func (b *batch) normalize(a *Action) {
	a.ID, a.Progress = ID{}, Progress{}
	a.Do = command.Command{Level: a.Do.Level, Action: a.Do.Action, Group: a.Do.Normal().Group}
	a.Created, a.AskedBy = plain(b.r.Now), b.r.AskedBy
	a.NotBefore, a.Expires = plain(a.NotBefore), plain(a.Expires)
	if a.Expires.IsZero() && b.r.Limits.Expires > 0 {
		a.Expires = a.Created.Add(b.r.Limits.Expires)
	}
	if len(a.Require) == 0 {
		a.Require = nil
	}
}

// name gives the drafts of an ordered request a plan, called after the id that
// the first of them would get.
func (b *batch) name() {
	if !b.r.InOrder || len(b.drafts) < 2 {
		return
	}
	for n := range b.drafts {
		if b.drafts[n].Plan == "" {
			b.drafts[n].Plan = b.q.next(b.r.Writer).String()
		}
	}
}

// check says what is wrong with a draft by itself.
func (b *batch) check(a *Action) error {
	switch {
	case !writerOK(b.r.Writer):
		return fmt.Errorf("%q cannot be the name of a writer", b.r.Writer)
	case a.Cluster == "":
		return fmt.Errorf("no cluster is given")
	case a.NotBefore.Sub(a.Created) > b.r.Limits.Longest:
		return fmt.Errorf("it cannot be put off for longer than %s", b.r.Limits.Longest)
	case !a.Expires.IsZero() && !a.Expires.After(a.Created):
		return fmt.Errorf("it would expire at once")
	}
	if err := b.r.Words.check(a); err != nil {
		return err
	}
	for _, id := range a.After {
		_, known := b.q.actions[id]
		if _, ok := b.draft(id); ok {
			known = true
		}
		if !known {
			return fmt.Errorf("there is no action %s for it to come after", id)
		}
	}
	return nil
}

// checkPlans refuses what would change the order of a plan that exists.
func (b *batch) checkPlans() {
	wrong := make(map[planKey]error)
	for _, old := range b.q.actions {
		switch {
		case old.Plan == "":
		case old.ID.Writer != b.r.Writer:
			wrong[old.planKey()] = fmt.Errorf("plan %s is written by %s", old.Plan, old.ID.Writer)
		case old.State() == Cancelled:
			wrong[old.planKey()] = fmt.Errorf("plan %s was cancelled", old.Plan)
		}
	}
	for n := range b.drafts {
		if b.errs[n] == nil {
			b.errs[n] = wrong[b.drafts[n].planKey()]
		}
	}
}

// link finds the order of the plans.
func (b *batch) link() {
	last := make(map[planKey]int)
	for n := range b.drafts {
		b.prev = append(b.prev, -1)
		k := b.drafts[n].planKey()
		if m, some := last[k]; some && k.plan != "" {
			b.prev[n] = m
		}
		last[k] = n
	}
}

// draft returns the draft, from 0, that an id without a writer means.
func (b *batch) draft(id ID) (int, bool) {
	if id.Writer != "" || id.Seq == 0 || id.Seq > uint64(len(b.drafts)) {
		return 0, false
	}
	return int(id.Seq - 1), true //nolint:gosec // no greater than a length
}

// before returns the drafts, from 0, that the nth is to come after.
func (b *batch) before(n int) []int {
	var out []int
	for _, id := range b.drafts[n].After {
		if n, ok := b.draft(id); ok {
			out = append(out, n)
		}
	}
	return out
}

// refuseCycles refuses drafts that come, over some others, after themselves.
func (b *batch) refuseCycles() {
	const unseen, open, closed = 0, 1, 2
	state := make([]int, len(b.drafts))
	var walk func(n int, path []int)
	walk = func(n int, path []int) {
		if state[n] == open {
			for _, m := range path[slices.Index(path, n):] {
				b.errs[m] = fmt.Errorf("it comes after itself")
			}
		}
		if state[n] != unseen {
			return
		}
		state[n] = open
		next := b.before(n)
		if b.prev[n] >= 0 {
			next = append(next, b.prev[n])
		}
		for _, m := range next {
			walk(m, append(path, n))
		}
		state[n] = closed
	}
	for n := range b.drafts {
		walk(n, nil)
	}
}

// refuseFollowers refuses what is to come after what was refused.
func (b *batch) refuseFollowers() {
	for again := true; again; {
		again = false
		for n := range b.drafts {
			for _, m := range b.before(n) {
				if b.errs[n] == nil && b.errs[m] != nil {
					b.errs[n] = fmt.Errorf("entry %d, which it comes after, was not taken", m+1)
					again = true
				}
			}
		}
	}
}
