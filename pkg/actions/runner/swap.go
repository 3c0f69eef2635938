package runner

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
)

// outcome is what a swap comes to, if it is stored.
type outcome struct {
	told  []Told
	beats map[actions.ID]actions.Claim // the renewed claims of what runs
	lost  []actions.ID                 // what runs and may not any more
	taken []actions.Action
}

// swap changes the queue of v by all that is to be said now: how handlers ended,
// that the others are at work, what is to be settled, and what is claimed.
func (c *conductor) swap(v ledger.View) *outcome {
	o := &outcome{beats: make(map[actions.ID]actions.Claim, len(c.running))}
	for _, w := range c.over {
		o.end(c, v.Queue, w, v.Now)
	}
	for id, w := range c.running {
		o.beat(v.Queue, id, w)
	}
	if c.ctx.Err() != nil {
		return o
	}
	in := c.r.input(v, c.in)
	r := v.Queue.Due(in)
	if settled := v.Queue.Settle(r, in); len(settled) > 0 {
		for _, s := range settled {
			o.note(v.Queue, s.ID, s.Move, s.Reason, 0)
		}
		r = v.Queue.Due(in)
	}
	if c.doubt {
		o.adopt(c, v.Queue)
	}
	for _, id := range r.Due {
		if len(c.running)+len(o.taken) < c.r.o.Width {
			o.claim(c, v, id)
		}
	}
	return o
}

// end records how an attempt ended. A failure that comes too late is refused, and
// becomes the word that its owner has stopped.
func (o *outcome) end(c *conductor, q *actions.Queue, w *work, now time.Time) {
	id, move, reason := w.action.ID, actions.MoveFinish, ""
	err := q.Change(id, func(a actions.Action) (actions.Progress, error) {
		if w.err == nil {
			return a.Progress.Finish(w.claim, now)
		}
		f := c.r.o.Limits.Judge(a, w.failure(), now)
		f.Err = c.r.o.Mask(oneLine(f.Err))
		move, reason = actions.MoveFail, f.Err
		if f.Final {
			move = actions.MoveGiveUp
		}
		p, err := a.Progress.Fail(w.claim, f)
		if errors.As(err, new(*actions.Refused)) {
			move = actions.MoveStop
			return a.Progress.Stop(w.claim)
		}
		return p, err
	})
	if err == nil {
		o.note(q, id, move, reason, w.took)
	}
}

// beat says that the handler of id is at work, unless it was asked to stop.
func (o *outcome) beat(q *actions.Queue, id actions.ID, w *work) {
	if w.cause != nil {
		return
	}
	err := q.Change(id, func(a actions.Action) (actions.Progress, error) {
		p, err := a.Progress.Beat(w.claim)
		if err == nil {
			o.beats[id] = p.Claim()
		}
		return p, err
	})
	if err != nil {
		o.lost = append(o.lost, id)
	}
}

// adopt takes up claims of ours whose answer got lost on the way.
func (o *outcome) adopt(c *conductor, q *actions.Queue) {
	for _, a := range q.All() {
		claim := a.Progress.Claim()
		if a.State() != actions.Running || claim.Owner != c.r.owner || claim.Ended || c.running[a.ID] != nil {
			continue
		}
		_ = q.Change(a.ID, func(a actions.Action) (actions.Progress, error) {
			p, err := a.Progress.Beat(claim)
			if err == nil {
				a.Progress = p
				o.taken = append(o.taken, a)
			}
			return p, err
		})
	}
}

// claim takes the lease on what is due and can be done here.
func (o *outcome) claim(c *conductor, v ledger.View, id actions.ID) {
	a, _ := v.Queue.Get(id)
	if c.in.Only != nil && !c.in.Only(a) || c.r.o.Handler(a) == nil {
		return
	}
	err := v.Queue.Change(id, func(a actions.Action) (actions.Progress, error) {
		return a.Progress.Take(c.r.owner, c.r.o.Limits.Lease, v.Now)
	})
	if err == nil {
		a, _ := v.Queue.Get(id)
		o.taken = append(o.taken, a)
		o.note(v.Queue, id, actions.MoveClaim, "", 0)
	}
}

func (o *outcome) note(q *actions.Queue, id actions.ID, m actions.Move, reason string, took time.Duration) {
	a, _ := q.Get(id)
	o.told = append(o.told, Told{Action: a, Move: m, Reason: reason, Took: took})
}

// needed tells whether the swap is worth a write: beats alone are not while the
// last ones are young.
func (o *outcome) needed(c *conductor, now actions.Instant) bool {
	if len(o.told) > 0 || len(o.lost) > 0 || len(o.taken) > 0 {
		return true
	}
	for id := range o.beats {
		w := c.running[id]
		if now.Boot != w.beat.Boot || now.Since-w.beat.Since >= w.claim.Lasts/3 {
			return true
		}
	}
	return false
}

// why names the moves of the swap.
func (o *outcome) why() string {
	var words []string
	for _, t := range o.told {
		words = append(words, string(t.Move))
	}
	if len(o.beats) > 0 {
		words = append(words, string(actions.MoveBeat))
	}
	slices.Sort(words)
	return strings.Join(slices.Compact(words), "+")
}

// oneLine makes an error fit into a table.
func oneLine(s string) string {
	const most = 500
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + " …"
	}
	return s
}
