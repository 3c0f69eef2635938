package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
)

// work is one attempt at an action.
type work struct {
	action actions.Action // as it was claimed
	begun  time.Time
	cancel context.CancelCauseFunc

	// Set when the handler has returned.
	err  error
	took time.Duration

	mu    sync.Mutex
	claim actions.Claim
	beat  actions.Instant // when the last beat that is stored began
	cause error           // why it was stopped; nil while it was not
}

// errLost stops a handler whose lease does not count any more, or may not.
var errLost = errors.New("its lease was lost")

// errLate is errLost where nobody said so, but the time is over.
var errLate = fmt.Errorf("%w: it could not be renewed in time", errLost)

// start runs the handler of a, which is claimed, unless the swap that claimed it
// took so long that it is too late by now.
func (c *conductor) start(a actions.Action, began actions.Instant) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(c.ctx))
	w := &work{action: a, claim: a.Progress.Claim(), beat: began, begun: time.Now(), cancel: cancel}
	if c.ctx.Err() != nil {
		w.stop(context.Cause(c.ctx))
	} else if w.late(c.r.clock()) {
		w.stop(errLate)
	}
	if why := w.stopped(); why != nil {
		w.err = why
		c.over = append(c.over, w)
		return
	}
	c.running[a.ID] = w
	handler := c.r.o.Handler(a)
	go w.watch(ctx, c.r.o.Clock)
	go func() {
		w.err = protected(ctx, handler, a)
		w.took = time.Since(w.begun)
		cancel(nil)
		c.ended <- w
	}()
}

// protected makes a failure of a panic: one handler must not take down the others.
func protected(ctx context.Context, h Handler, a actions.Action) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its handler broke: %v", p)
		}
	}()
	return h(ctx, a)
}

// watch stops the handler before its lease ends, whatever else is going on: the
// conductor may be waiting for a store. It looks again and again, because timers
// stand still while the machine sleeps and the clock of leases does not.
func (w *work) watch(ctx context.Context, clock func() actions.Instant) {
	tick := time.NewTicker(max(w.action.Progress.Claim().Lasts/20, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if w.late(clock()) {
				w.stop(errLate)
				return
			}
		}
	}
}

// late tells whether it is time to stop, so that the end comes before the lease's.
func (w *work) late(now actions.Instant) bool {
	claim, beat := w.lease()
	now.Since += claim.Lasts / 10
	return !claim.MayAct(beat, now)
}

func (w *work) lease() (actions.Claim, actions.Instant) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.claim, w.beat
}

func (w *work) renew(c actions.Claim, beat actions.Instant) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.claim, w.beat = c, beat
}

// stop asks the handler to return; the first reason counts.
func (w *work) stop(why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cause == nil {
		w.cause = why
		w.cancel(why)
	}
}

// stopped returns why the handler was asked to return, nil if it was not.
func (w *work) stopped() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cause
}

// beats tells whether the lease is still to be renewed: until its handler has
// returned, but not once it is lost.
func (w *work) beats() bool { return !errors.Is(w.stopped(), errLost) }

// failure is what is judged of an attempt that did not succeed. Who was stopped
// because somebody interrupted clmgr, or because of a lease, has not failed,
// whatever its end looks like; who did not come to an end in the time given, has.
func (w *work) failure() error {
	why := w.stopped()
	if why == nil || errors.As(w.err, new(*actions.Retry)) || errors.As(w.err, new(*actions.Wait)) {
		return w.err
	}
	said := ""
	if !errors.Is(w.err, why) && !errors.Is(w.err, context.Canceled) {
		said = ": " + w.err.Error()
	}
	switch {
	case errors.Is(why, errLost):
		return &actions.Retry{Reason: "it was stopped, because " + why.Error() + said}
	case errors.Is(why, context.DeadlineExceeded):
		return fmt.Errorf("it did not come to an end within %s%s", w.took.Round(time.Second/10), said)
	}
	return &actions.Retry{Reason: "clmgr was interrupted" + said}
}
