package runner

import (
	"context"
	"errors"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
)

// conductor is one Run.
type conductor struct {
	r       *Runner
	in      Input
	ctx     context.Context
	owner   string               // its name as an owner of leases: no other Run ever has it
	running map[actions.ID]*work // whose handlers have not returned
	over    []*work              // whose handlers have, and which is not recorded yet
	ended   chan *work           // has room for all that run
	closing time.Time            // when those that do not stop are left; zero while ctx goes on
	told    []Told
	left    map[actions.ID]bool // whose handlers did not stop, and are not waited for
	doubt   bool                // a swap since the last good one may be stored or not
	failed  int                 // how many turns failed since then
	rest    time.Time           // until when handlers that end wait for one another

	feed     <-chan Input // what to go by from then on; nil for a Run, which has one Input
	draining bool         // nothing is claimed any more
	beat     func()       // is called whenever the conductor turns or waits; nil for nobody
}

// turn makes one swap, if there is anything to say: it is tried on what a look
// shows, which also gives its moves their names. Where the store does not answer,
// how handlers ended is kept on disk.
func (c *conductor) turn() error {
	defer c.pace(time.Now())
	ctx := context.WithoutCancel(c.ctx) // what is over is recorded all the same
	began := c.r.clock()
	v, err := c.r.o.Ledger.Look(ctx)
	if err == nil {
		o := c.swap(v)
		c.stop(o.lost)
		if !o.needed(c, began) {
			c.over, c.failed = nil, 0 // all of it was refused
			return nil
		}
		err = c.r.o.Ledger.Change(ctx, o.why(), func(v ledger.View) error {
			o = c.swap(v)
			return nil
		})
		if err == nil {
			c.commit(o, began)
			return nil
		}
		if u := (*ledger.Unshared)(nil); !errors.As(err, &u) || u.Unknown() {
			c.doubt = true
		}
	}
	c.failed++
	return errors.Join(err, c.keep(ctx))
}

// finished tells whether there is nothing left to do after a turn that ended with
// err. A swap that may be stored is tried again a few times, though nothing is at
// work: it may hold claims, which only the same Run can take up.
func (c *conductor) finished(err error) bool {
	const most = 4
	over := len(c.running)+len(c.over) == 0 && (err == nil || !c.doubt || c.failed >= most)
	return over && (c.feed == nil || c.ctx.Err() != nil)
}

// keep records on disk alone how handlers ended.
func (c *conductor) keep(ctx context.Context) error {
	if len(c.over) == 0 {
		return nil
	}
	var o *outcome
	err := c.r.o.Ledger.Keep(ctx, "ended", func(q *actions.Queue, now time.Time) {
		o = &outcome{}
		for _, w := range c.over {
			o.end(c, q, w, now)
		}
	})
	if err == nil {
		c.tell(o.told)
	}
	c.over = nil // what could not be kept is found out again when the lease has lapsed
	return err
}

// commit is what follows from a swap that is stored.
func (c *conductor) commit(o *outcome, began actions.Instant) {
	c.over, c.doubt, c.failed = nil, false, 0
	for id, claim := range o.beats {
		c.running[id].renew(claim, began)
	}
	c.stop(o.lost)
	c.tell(o.told)
	for _, a := range o.taken {
		c.start(a, began)
	}
}

// stop stops those who lost their lease. That is so once it was seen, and needs no write.
func (c *conductor) stop(lost map[actions.ID]error) {
	for id, why := range lost {
		c.running[id].stop(why)
	}
}

func (c *conductor) tell(list []Told) {
	if c.feed == nil {
		c.told = append(c.told, list...)
	}
	for _, t := range list {
		c.r.o.Tell(t)
	}
}

// wait waits until something has happened that the next turn should say.
func (c *conductor) wait(failed bool) {
	if len(c.over) > 0 {
		return
	}
	until := time.Now().Add(c.pause(failed))
	for !c.waited(until) {
	}
	for more := true; more; {
		select {
		case w := <-c.ended:
			c.take(w)
		default:
			more = false
		}
	}
	if len(c.over) > 0 {
		c.gather()
	}
	if !c.closing.IsZero() && !time.Now().Before(c.closing) {
		for id := range c.running {
			c.left[id] = true
		}
		clear(c.running)
	}
}

// beatEvery is how often a conductor that waits says that it lives.
const beatEvery = time.Second

// waited waits for a moment, and tells whether there is something to say, or until has
// passed.
func (c *conductor) waited(until time.Time) bool {
	wait := time.Until(until)
	if c.beat != nil {
		c.beat()
		wait = min(wait, beatEvery)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	done := c.ctx.Done()
	if !c.closing.IsZero() {
		done = nil
	}
	select {
	case w := <-c.ended:
		c.take(w)
	case in, more := <-c.feed:
		if c.in = in; !more {
			c.feed, c.draining = nil, true
		}
	case <-timer.C:
		return !time.Now().Before(until)
	case <-done:
		c.closing = time.Now().Add(c.r.o.Grace)
		for _, w := range c.running {
			w.stop(context.Cause(c.ctx))
		}
	}
	return true
}

// pace keeps turns at a fifth of the time: each writes the whole queue several times,
// and costs much the same for one handler that has ended as for ten.
func (c *conductor) pace(began time.Time) {
	const share, most = 4, 100 * time.Millisecond
	c.rest = time.Now().Add(min(share*time.Since(began), most))
}

// gather waits for more handlers to end, while some run and it is time to rest.
func (c *conductor) gather() {
	timer := time.NewTimer(time.Until(c.rest))
	defer timer.Stop()
	for len(c.running) > 0 {
		select {
		case w := <-c.ended:
			c.take(w)
		case <-timer.C:
			return
		case <-c.ctx.Done():
			return
		}
	}
}

// take notes that a handler has returned.
func (c *conductor) take(w *work) {
	delete(c.running, w.action.ID)
	c.over = append(c.over, w)
}

// retryPause is how soon a store that did not answer is asked again.
const retryPause = 500 * time.Millisecond

// pause is how long nothing needs to be said.
func (c *conductor) pause(failed bool) time.Duration {
	now := c.r.clock()
	next := time.Hour
	for _, w := range c.running {
		if claim, beat := w.lease(); w.beats() {
			next = min(next, beat.Since+claim.Lasts/3-now.Since)
		}
	}
	if failed {
		next = retryPause
	}
	if !c.closing.IsZero() {
		next = min(next, time.Until(c.closing))
	}
	return max(next, time.Millisecond)
}
