package runner

import (
	"errors"
	"fmt"
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
	lost  map[actions.ID]error         // what runs and may not any more, and why
	taken []actions.Action
}

// swap changes the queue of v by all that is to be said now: how handlers ended,
// that the others are at work, what is to be settled, and what is claimed.
func (c *conductor) swap(v ledger.View) *outcome {
	o := &outcome{beats: make(map[actions.ID]actions.Claim, len(c.running)), lost: make(map[actions.ID]error)}
	for _, w := range c.over {
		o.end(c, v.Queue, w, v.Now)
	}
	for id, w := range c.running {
		o.beat(v, id, w)
	}
	if c.doubt {
		o.adopt(c, v.Queue)
	}
	if c.ctx.Err() != nil || c.draining {
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
	claim, _ := w.lease()
	err := q.Change(id, func(a actions.Action) (actions.Progress, error) {
		if w.err == nil {
			return a.Progress.Finish(claim, now)
		}
		f := c.r.o.Limits.Judge(a, w.failure(), now)
		f.Err = c.r.o.Mask(oneLine(f.Err))
		move, reason = actions.MoveFail, f.Err
		if f.Final {
			move = actions.MoveGiveUp
		}
		p, err := a.Progress.Fail(claim, f)
		if errors.As(err, new(*actions.Refused)) {
			move = actions.MoveStop
			return a.Progress.Stop(claim)
		}
		return p, err
	})
	if err == nil {
		o.note(q, id, move, reason, w.took)
	}
}

// beat says that the handler of id is at work. An owner whose time is over does
// not: others may have begun where it was not known.
func (o *outcome) beat(v ledger.View, id actions.ID, w *work) {
	if !w.beats() {
		return
	}
	claim, beat := w.lease()
	if !claim.MayAct(beat, v.Clock) {
		o.lost[id] = errLate
		return
	}
	err := v.Queue.Change(id, func(a actions.Action) (actions.Progress, error) {
		p, err := a.Progress.Beat(claim)
		if err == nil {
			o.beats[id] = p.Claim()
		}
		return p, err
	})
	if err != nil {
		o.lost[id] = fmt.Errorf("%w: %w", errLost, err)
	}
}

// adopt takes up claims of ours whose answer got lost on the way, where nobody
// else can be at work.
func (o *outcome) adopt(c *conductor, q *actions.Queue) {
	for _, a := range q.All() {
		claim := a.Progress.Claim()
		others := a.Progress
		others.Claims[0].Ended = true
		if claim.Owner != c.owner || claim.Ended || a.State() != actions.Running || others.Working() ||
			c.running[a.ID] != nil || c.left[a.ID] || len(c.running)+len(o.taken) >= c.r.o.Width {
			continue
		}
		err := q.Change(a.ID, func(a actions.Action) (actions.Progress, error) { return a.Progress.Beat(claim) })
		if err == nil {
			a, _ := q.Get(a.ID)
			o.taken = append(o.taken, a)
			o.note(q, a.ID, actions.MoveClaim, "", 0)
		}
	}
}

// claim takes the lease on what is due and can be done here.
func (o *outcome) claim(c *conductor, v ledger.View, id actions.ID) {
	a, _ := v.Queue.Get(id)
	if c.in.Only != nil && !c.in.Only(a) || c.r.o.Handler(a) == nil {
		return
	}
	err := v.Queue.Change(id, func(a actions.Action) (actions.Progress, error) {
		return a.Progress.Take(c.owner, c.r.o.Limits.Lease, v.Now)
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
	if len(o.told) > 0 || len(o.taken) > 0 {
		return true
	}
	for id := range o.beats {
		claim, beat := c.running[id].lease()
		if now.Boot != beat.Boot || now.Since-beat.Since >= claim.Lasts/3 {
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
