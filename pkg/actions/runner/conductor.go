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
	running map[actions.ID]*work // whose handlers have not returned
	over    []*work              // whose handlers have, and which is not recorded yet
	ended   chan *work           // has room for all that run
	closing time.Time            // when those that do not stop are left; zero while ctx goes on
	told    []Told
	doubt   bool // the answer to the last swap may have got lost
}

// turn makes one swap, if there is anything to say: it is tried on what a look
// shows, which also gives its moves their names. Where the store does not answer,
// how handlers ended is kept on disk.
func (c *conductor) turn() error {
	began := c.r.clock()
	v, err := c.r.o.Ledger.Look(c.ctx)
	if err == nil {
		o := c.swap(v)
		if !o.needed(c, began) {
			return nil
		}
		err = c.r.o.Ledger.Change(c.ctx, o.why(), func(v ledger.View) error {
			o = c.swap(v)
			return nil
		})
		if err == nil {
			c.commit(o, began)
			return nil
		}
		c.doubt = true
	}
	return errors.Join(err, c.keep())
}

// keep records on disk alone how handlers ended.
func (c *conductor) keep() error {
	if len(c.over) == 0 {
		return nil
	}
	var o *outcome
	err := c.r.o.Ledger.Keep(c.ctx, "ended", func(q *actions.Queue, now time.Time) {
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
	c.over, c.doubt = nil, false
	for id, claim := range o.beats {
		c.running[id].claim, c.running[id].beat = claim, began
	}
	for _, id := range o.lost {
		c.running[id].stop(errLost)
	}
	c.tell(o.told)
	for _, a := range o.taken {
		c.start(a, began)
	}
}

func (c *conductor) tell(list []Told) {
	for _, t := range list {
		c.told = append(c.told, t)
		c.r.o.Tell(t)
	}
}

// wait waits until something has happened that the next turn should say.
func (c *conductor) wait(failed bool) {
	timer := time.NewTimer(c.pause(failed))
	defer timer.Stop()
	done := c.ctx.Done()
	if !c.closing.IsZero() {
		done = nil
	}
	select {
	case w := <-c.ended:
		c.take(w)
	case <-timer.C:
	case <-done:
		c.closing = time.Now().Add(c.r.o.Grace)
		for _, w := range c.running {
			w.stop(context.Cause(c.ctx))
		}
	}
	for more := true; more; {
		select {
		case w := <-c.ended:
			c.take(w)
		default:
			more = false
		}
	}
	c.expire()
}

// take notes that a handler has returned.
func (c *conductor) take(w *work) {
	delete(c.running, w.action.ID)
	c.over = append(c.over, w)
}

// expire stops what is near the end of its lease, and leaves what does not stop.
func (c *conductor) expire() {
	now := c.r.clock()
	for _, w := range c.running {
		if soon := (actions.Instant{Boot: now.Boot, Since: now.Since + w.claim.Lasts/10}); !w.claim.MayAct(w.beat, soon) {
			w.stop(errLost)
		}
	}
	if !c.closing.IsZero() && !time.Now().Before(c.closing) {
		clear(c.running)
	}
}

// retryPause is how soon a store that did not answer is asked again.
const retryPause = 500 * time.Millisecond

// pause is how long nothing needs to be said.
func (c *conductor) pause(failed bool) time.Duration {
	now := c.r.clock()
	next := time.Hour
	for _, w := range c.running {
		next = min(next, w.beat.Since+w.claim.Lasts/3-now.Since)
	}
	if failed {
		next = retryPause
	}
	if !c.closing.IsZero() {
		next = min(next, time.Until(c.closing))
	}
	return max(next, time.Millisecond)
}
