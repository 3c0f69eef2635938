package logs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/store"
)

// Options are what loops work with.
type Options struct {
	Manager string
	Machine Machine
	Store   store.Store
	Key     string // of the loop's state in the store
	// Tell returns when the events are durable.
	Tell func(context.Context, []heartbeat.Event) error
	// Mask takes secrets out of text.
	Mask func(string) string
}

// Times of loops.
const (
	// turning is how long a loop waits for lines before it turns, and beats.
	turning = 250 * time.Millisecond
	// gathering is how long events wait for others, to be told together, at least; where
	// telling takes longer than that they wait as long, slowestGathering at most.
	gathering        = 10 * time.Millisecond
	slowestGathering = 500 * time.Millisecond
	// mostGathered is how many events are told together at most, some megabytes.
	mostGathered = 4096
	// saving is how often the place is stored while nothing is told.
	saving = 5 * time.Second
	// patience is how long reading may fail before an event tells.
	patience = 30 * time.Second
	// closing is how long what is known at the end may take to be told and stored.
	closing = time.Second
)

// keeper gathers events, and has them told and the place stored, in this order.
type keeper struct {
	Options
	state   *State
	watches []*Watch

	place  string // behind the last line that was read
	events []heartbeat.Event
	since  time.Time     // the first of them came
	gather time.Duration // how long it waits
	saved  time.Time
	stored string // the place that is stored
}

// newKeeper goes on from what is stored.
func newKeeper(ctx context.Context, o Options, watchers []Watcher) (*keeper, error) {
	state, err := ReadState(ctx, o.Store, o.Key)
	if err != nil {
		return nil, err
	}
	k := &keeper{Options: o, state: state, place: state.At, stored: state.At, gather: gathering}
	var names []string
	for _, w := range watchers {
		names = append(names, w.Name)
	}
	state.keep(names)
	for _, w := range watchers {
		watch, err := NewWatch(w, state.Watches[w.Name], o.Manager, o.Mask)
		if err != nil {
			return nil, err
		}
		k.watches = append(k.watches, watch)
	}
	return k, nil
}

// add gathers events.
func (k *keeper) add(now time.Time, events ...heartbeat.Event) {
	if len(k.events) == 0 {
		k.since = now
	}
	k.events = append(k.events, events...)
}

// turn does what time brings about, and tells and stores what is due. wait is how long
// there is nothing to do if nothing comes.
func (k *keeper) turn(ctx context.Context) (wait time.Duration, err error) {
	now := time.Now()
	for _, w := range k.watches {
		if events := w.Idle(now); len(events) > 0 {
			k.add(now, events...)
		}
	}
	full := len(k.events) >= mostGathered
	switch {
	case len(k.events) > 0 && (full || !now.Before(k.since.Add(k.gather))):
		err = k.save(ctx)
	case len(k.events) > 0:
		return k.since.Add(k.gather).Sub(now), nil
	case k.place != k.stored && now.Sub(k.saved) >= saving:
		err = k.save(ctx)
	}
	return turning, err
}

// save tells what was gathered, and then stores how far we are.
func (k *keeper) save(ctx context.Context) error {
	began := time.Now()
	if len(k.events) > 0 {
		if err := k.Tell(ctx, k.events); err != nil {
			return fmt.Errorf("cannot tell %d events: %w", len(k.events), err)
		}
		// Not used again: who was told may have kept them.
		k.events = nil
	}
	k.state.At = k.settled()
	if err := k.state.write(ctx, k.Store, k.Key); err != nil {
		return err
	}
	k.saved, k.stored = time.Now(), k.place
	k.gather = min(max(k.saved.Sub(began), gathering), slowestGathering)
	return nil
}

// settled is the place before which all watchers are done with all.
func (k *keeper) settled() string {
	at, first := k.place, uint64(0)
	for _, w := range k.watches {
		if j := &w.join; j.count > 0 && (first == 0 || j.first < first) {
			at, first = j.held.Before, j.first
		}
	}
	return at
}

// close tells and stores what is known when a loop ends.
func (k *keeper) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	if len(k.events) == 0 && k.place == k.stored {
		return nil
	}
	return k.save(ctx)
}

// gap tells all watchers that lines may be missing before a place.
func (k *keeper) gap(now time.Time, place string, missing int, reason string) {
	for _, w := range k.watches {
		k.add(now, w.Gap(place, missing, reason, now))
	}
}

// troubled remembers that nothing can be read. Where that lasts it is told, unless it
// is because the machine cannot be reached, which the heartbeat tells.
func (k *keeper) troubled(ctx context.Context, now time.Time, cause error) error {
	t := &k.state.Trouble
	reason := shown(k.Mask(cause.Error()), longestReason)
	if t.Since.IsZero() {
		*t = Trouble{Since: now}
	} else if t.Reason == reason && (t.Told || now.Sub(t.Since) < patience) {
		return nil
	}
	t.Reason = reason
	var away *remote.Error
	if !t.Told && now.Sub(t.Since) >= patience && !errors.As(cause, &away) {
		t.Told = true
		k.tellTrouble(now, Watching, Blind, map[string]string{labelSeverity: Warning})
	}
	return k.save(ctx)
}

// fine ends a trouble.
func (k *keeper) fine(ctx context.Context, now time.Time) error {
	if k.state.Trouble.Since.IsZero() {
		return nil
	}
	if k.state.Trouble.Told {
		k.tellTrouble(now, Blind, Watching, map[string]string{labelSeverity: Warning, labelResolved: "true"})
	}
	k.state.Trouble = Trouble{}
	return k.save(ctx)
}

func (k *keeper) tellTrouble(now time.Time, was, is string, labels map[string]string) {
	labels[labelInternal] = "true"
	for _, w := range k.watches {
		e := w.event(is, k.state.Trouble.Reason, now, labelled(w.labels, labels))
		e.Was.State = was
		k.add(now, e.Occur(k.state.Trouble.Since.UTC().Format(time.RFC3339Nano)))
	}
}
