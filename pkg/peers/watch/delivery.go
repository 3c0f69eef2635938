package watch

import (
	"context"
	"slices"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// The pauses after a delivery that failed double from the first to the longest.
const (
	firstPause   = 250 * time.Millisecond
	longestPause = 10 * time.Second
)

// told is how a delivery ended.
type told struct {
	events []heartbeat.Event
	err    error
}

// delivery has events told, one batch at a time, beside the passes.
type delivery struct {
	tell   func(context.Context, []heartbeat.Event) error
	done   chan told
	events []heartbeat.Event // under way; nil for none
	begun  time.Time
	pause  time.Duration
	notYet time.Time // no new try before that
}

func newDelivery(tell func(context.Context, []heartbeat.Event) error) delivery {
	return delivery{tell: tell, done: make(chan told, 1)}
}

// start has events told, unless others are being told or it is too early to try again.
func (d *delivery) start(ctx context.Context, events []heartbeat.Event) {
	now := time.Now()
	if len(events) == 0 || d.events != nil || now.Before(d.notYet) {
		return
	}
	d.events, d.begun = slices.Clone(events), now
	batch := d.events
	go func() { d.done <- told{batch, d.tell(ctx, batch)} }()
}

// ended notes how a delivery ended, and returns whether well.
func (d *delivery) ended(t told) bool {
	d.events = nil
	if t.err == nil {
		d.pause = 0
		return true
	}
	d.pause = min(max(2*d.pause, firstPause), longestPause)
	d.notYet = time.Now().Add(d.pause)
	return false
}

// since is how long the delivery under way has taken, 0 where there is none.
func (d *delivery) since(now time.Time) time.Duration {
	if d.events == nil {
		return 0
	}
	return now.Sub(d.begun)
}

// last waits for the delivery under way, and tells whether there was one that came to
// a good end in time.
func (d *delivery) last(patience time.Duration) bool {
	if d.events == nil {
		return false
	}
	select {
	case t := <-d.done:
		return t.err == nil
	case <-time.After(patience):
		return false
	}
}
