package monitor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/store"
)

// Standing is how it stands with something that is watched, as it is remembered.
type Standing struct {
	Kind          heartbeat.Kind // of its events
	Cluster, Name string
	Machine       string // "" for none
	Watches       string // the query, or what is looked at on the machine
	Known         bool   // it was looked at once
	// Blind are the conditions of the watching itself that are not as they should be.
	Blind []string
	// Conditions are the states of what is watched, by the names of their events.
	Conditions map[string]string
	// Troubles are the conditions that are not as they should be, in their order.
	Troubles []string
	Events   uint64 // told so far
}

// watching is something that a Loop watches.
type watching struct {
	Standing
	keeper keeper
	good   func(state string) bool
	// itself tells whether a condition is one of the watching itself.
	itself func(name string) bool
}

// Standings tells how it stands with what the loop watches, in the order it was given in.
func (l *Loop) Standings(ctx context.Context) ([]Standing, error) {
	out := make([]Standing, 0, len(l.watched))
	for _, w := range l.watched {
		doc, err := w.keeper.store.Get(ctx, w.keeper.key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		b, err := readBook(doc, time.Time{})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.keeper.key, err)
		}
		s := w.Standing
		s.Known, s.Events, s.Conditions = doc != nil, b.Count, map[string]string{}
		for name, t := range b.Tracks {
			if w.itself(name) {
				s.Blind = append(s.Blind, name+" "+t.State)
				continue
			}
			s.Conditions[name] = t.State
			if !w.good(t.State) {
				s.Troubles = append(s.Troubles, name+" "+t.State)
			}
		}
		slices.Sort(s.Blind)
		slices.Sort(s.Troubles)
		out = append(out, s)
	}
	return out, nil
}
