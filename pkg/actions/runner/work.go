package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
)

// work is one attempt at an action.
type work struct {
	action actions.Action // as it was claimed
	claim  actions.Claim
	beat   actions.Instant // when the last beat that is stored began
	begun  time.Time
	cancel context.CancelCauseFunc
	cause  error // why it was stopped; nil while it was not

	// Set when the handler has returned.
	err  error
	took time.Duration
}

// errLost stops a handler whose lease does not count any more, or may not.
var errLost = errors.New("its lease was lost")

// start runs the handler of a, which is claimed.
func (c *conductor) start(a actions.Action, began actions.Instant) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(c.ctx))
	w := &work{action: a, claim: a.Progress.Claim(), beat: began, begun: time.Now(), cancel: cancel}
	c.running[a.ID] = w
	handler := c.r.o.Handler(a)
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

// stop asks the handler to return; the first reason counts.
func (w *work) stop(why error) {
	if w.cause == nil {
		w.cause = why
		w.cancel(why)
	}
}

// failure is what is judged of an attempt that did not succeed. Who was stopped
// because somebody interrupted clmgr, or because of a lease, has not failed; who
// did not come to an end in the time given, has.
func (w *work) failure() error {
	stopped := w.cause != nil && (errors.Is(w.err, context.Canceled) || errors.Is(w.err, context.DeadlineExceeded) || errors.Is(w.err, w.cause))
	switch {
	case !stopped:
		return w.err
	case errors.Is(w.cause, errLost):
		return &actions.Retry{Reason: "it was stopped, because its lease could not be renewed"}
	case errors.Is(w.cause, context.DeadlineExceeded):
		return fmt.Errorf("it did not come to an end within %s", w.took.Round(time.Second/10))
	}
	return &actions.Retry{Reason: "clmgr was interrupted"}
}
