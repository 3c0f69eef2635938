package job

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/remote"
)

// How long a follower waits before it tries to reach its machine again.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 3 * time.Second
)

// follower is one call of Run.
type follower struct {
	host  Machine
	job   Job
	token string    // tells this call from others of the same term
	seen  *sighting // the run, once it is known to run
}

// follow asks again and again: each script waits for a bounded time only, and any may be
// cut off with its connection.
func (f *follower) follow(ctx context.Context) (Result, error) {
	pause := firstPause
	for {
		out, lost := Root(ctx, f.host, f.script())
		a, err := read(f.job.Unit, out, time.Now())
		if a.running != nil {
			f.seen, pause = a.running, firstPause
		}
		switch {
		case lost == nil && a.ended != nil:
			return *a.ended, nil
		case a.err != nil:
			return Result{}, a.err
		case err != nil:
			return Result{}, err
		case ctx.Err() != nil:
			return Result{}, f.parted(ctx, lost)
		case lost == nil && a.running == nil:
			return Result{}, noAnswer(out)
		case lost != nil && !f.worthwhile(lost):
			return Result{}, lost
		case lost != nil:
			if !wait(ctx, pause) {
				return Result{}, f.parted(ctx, lost)
			}
			pause = min(2*pause, longestPause)
		}
	}
}

// script is what to ask next: for the run that was seen, else for any.
func (f *follower) script() string {
	if f.seen == nil {
		return f.job.runScript(f.token)
	}
	return f.job.followScript(f.seen)
}

// worthwhile tells whether to try again after an error. A machine that was never reached
// is the caller's to try; one that now shows another key or lets nobody in is not the one
// that was lost.
func (f *follower) worthwhile(err error) bool {
	var e *remote.Error
	if !errors.As(err, &e) || e.Stage == remote.StageHostKey || e.Stage == remote.StageAuth {
		return false
	}
	return f.seen != nil || e.Stage == remote.StageLost
}

// parted is the error of a follower whose time is over.
func (f *follower) parted(ctx context.Context, lost error) error {
	switch {
	case lost == nil:
		lost = ctx.Err()
	case !errors.Is(lost, ctx.Err()):
		lost = fmt.Errorf("%w: %w", ctx.Err(), lost)
	}
	if f.seen == nil {
		return fmt.Errorf("it is not known whether it was started: %w", lost)
	}
	return &Running{Unit: f.job.Unit, Since: f.seen.since, Err: lost}
}

// wait tells whether ctx lasted that long.
func wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// noAnswer is the error of a script that ended without a word.
func noAnswer(out remote.Output) error {
	return fmt.Errorf("no answer, exit status %d: %s", out.Exit, strings.Join(strings.Fields(string(out.Stderr)), " "))
}
