package rules

import (
	"maps"
	"slices"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// State is what rules have to remember. It is stored as one document together with
// the place in the event log, so that what was read and what came of it cannot part.
// A State is never changed in place.
type State struct {
	Waiting []Waiting          // rules with For, the oldest first
	Fired   map[string][]Fired // by rule: the firings that still count, in their order
	Kept    []Kept             // what is kept back by flood control
	Outbox  []Decision         // decided and not passed on yet
	Acting  []Acting           // passed on, for who wants to know that it was done
}

// Waiting is a rule that waits for something to stay as it is, or has fired for it.
type Waiting struct {
	Rule  string
	Event heartbeat.Event // that it began with
	Since time.Time
	Fired bool // it has: nothing is left but to hear of the end
}

// Fired is one firing.
type Fired struct {
	Key heartbeat.Key // of the thing it fired for
	At  time.Time
}

// Kept counts what is kept back since a rule last fired for a thing.
type Kept struct {
	Rule  string
	Key   heartbeat.Key
	Times int
	At    time.Time // the last time
}

// Acting is an action that somebody wants to know the end of.
type Acting struct {
	ID    actions.ID
	Event heartbeat.Event
}

// clone is a copy that can be changed on its own.
func (s State) clone() State {
	s.Waiting, s.Kept = slices.Clone(s.Waiting), slices.Clone(s.Kept)
	s.Outbox, s.Acting = slices.Clone(s.Outbox), slices.Clone(s.Acting)
	fired := make(map[string][]Fired, len(s.Fired))
	for rule, list := range s.Fired {
		fired[rule] = slices.Clone(list)
	}
	s.Fired = fired
	return s
}

// tidy forgets what does not count any more, and what belongs to rules that are
// gone. A time that lies ahead was told by a clock that is wrong, now or then: it
// counts as now, so that nothing comes too often, and nothing waits for ever.
func (s *State) tidy(in Input) {
	rules := make(map[string]Rule, len(in.Rules))
	for _, r := range in.Rules {
		rules[r.Name] = r
	}
	for name, list := range s.Fired {
		keep := max(time.Hour, rules[name].MinDelay)
		for n := range list {
			list[n].At = earlier(list[n].At, in.Now)
		}
		s.Fired[name] = slices.DeleteFunc(list, func(f Fired) bool { return in.Now.Sub(f.At) >= keep })
	}
	maps.DeleteFunc(s.Fired, func(name string, list []Fired) bool { return len(list) == 0 || rules[name].Name == "" })
	s.Kept = slices.DeleteFunc(s.Kept, func(k Kept) bool {
		return rules[k.Rule].Name == "" || in.Now.Sub(k.At) >= max(time.Hour, rules[k.Rule].MinDelay)
	})
	s.Waiting = slices.DeleteFunc(s.Waiting, func(w Waiting) bool { return rules[w.Rule].For == 0 })
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
