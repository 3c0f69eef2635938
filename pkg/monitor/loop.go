package monitor

import (
	"context"
	"time"
)

// Loop looks at things again and again, each at its own beat, side by side.
type Loop struct {
	name    string
	tasks   []*task
	watched []watching
}

// take records what a look has found.
type take func(ctx context.Context, now time.Time) error

// task is one thing that is looked at.
type task struct {
	every, limit time.Duration
	// look takes no longer than its context, and changes nothing.
	look func(ctx context.Context) take

	due   time.Time
	until time.Time // while a look is under way, when it is over at the latest; else zero
}

// Bounds of the loop.
const (
	beating = 500 * time.Millisecond // how often the loop turns at least
	slack   = 3 * time.Second        // that a look may take to return after its time
	width   = 32                     // looks at once
)

// found is a look that has ended.
type found struct {
	task *task
	take take
}

// Name is what it looks at: metrics, units or hosts.
func (l *Loop) Name() string { return l.name }

// Len is how many things it looks at.
func (l *Loop) Len() int { return len(l.tasks) }

// Run looks until ctx ends. It calls beat whenever it turns, which is twice a second
// and more, unless a look has gone on for longer than it may: that it does not come
// back is then for the caller to notice. The error says what could not be recorded or
// told; a later Run goes on from what was.
func (l *Loop) Run(ctx context.Context, beat func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.spread(time.Now())
	ended := make(chan found, len(l.tasks)) // so that a look never waits for us
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case f := <-ended:
			f.task.ended(time.Now())
			if err := f.take(ctx, time.Now()); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
		}
		now := time.Now()
		if !l.stuck(now) {
			beat()
		}
		timer.Reset(l.start(ctx, ended, now))
	}
}

// spread has the looks begin one after the other, so that they do not all fall on one
// moment for ever. The first begins at once.
func (l *Loop) spread(now time.Time) {
	for n, t := range l.tasks {
		t.due, t.until = now.Add(t.every*time.Duration(n)/time.Duration(len(l.tasks))), time.Time{}
	}
}

// stuck tells whether a look does not come back.
func (l *Loop) stuck(now time.Time) bool {
	for _, t := range l.tasks {
		if !t.until.IsZero() && now.After(t.until.Add(slack)) {
			return true
		}
	}
	return false
}

// start starts what is due and returns how soon to turn again. A look that is not over
// at its next beat misses that one.
func (l *Loop) start(ctx context.Context, ended chan<- found, now time.Time) time.Duration {
	next, busy := beating, 0
	for _, t := range l.tasks {
		if !t.until.IsZero() {
			busy++
		}
	}
	for _, t := range l.tasks {
		if t.until.IsZero() && !now.Before(t.due) && busy < width {
			busy++
			l.begin(ctx, t, ended, now)
		}
		if t.until.IsZero() && busy < width {
			next = min(next, t.due.Sub(now))
		}
	}
	return max(next, 0)
}

// ended notes that a look is over. The beats it has missed are past.
func (t *task) ended(now time.Time) {
	if t.until = (time.Time{}); t.due.Before(now) {
		t.next(now)
	}
}

// next sets the next beat: the first after now on the grid of the task.
func (t *task) next(now time.Time) {
	t.due = t.due.Add(t.every * (now.Sub(t.due)/t.every + 1))
}

// begin starts a look.
func (l *Loop) begin(ctx context.Context, t *task, ended chan<- found, now time.Time) {
	t.until = now.Add(t.limit)
	t.next(now)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, t.limit)
		defer cancel()
		ended <- found{t, t.look(ctx)}
	}()
}
