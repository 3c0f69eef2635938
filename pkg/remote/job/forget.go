package job

import (
	"context"
	"fmt"
	"time"
)

// Forget clears the unit and its term, for when what it was for is recorded as over. A
// job that runs is left alone: the error is *Running.
func Forget(ctx context.Context, host Machine, unit string) error {
	if err := checkUnit(unit); err != nil {
		return fmt.Errorf("cannot forget job %s: %w", unit, err)
	}
	return clearing(ctx, host, "forget", unit, forgetScript(unit))
}

// Discard clears a run of the job that ended, so that the next Run starts it anew, also
// in the same epoch: what the run did has not held. The term stays; errors are as of
// Run and Forget.
func Discard(ctx context.Context, host Machine, j Job) error {
	if err := checkUnit(j.Unit); err != nil {
		return fmt.Errorf("cannot discard job %s: %w", j.Unit, err)
	}
	return clearing(ctx, host, "discard", j.Unit, j.discardScript())
}

func clearing(ctx context.Context, host Machine, verb, unit, script string) error {
	out, err := Root(ctx, host, script)
	if err != nil {
		return told(verb, unit, err)
	}
	a, err := read(unit, out, time.Now())
	switch {
	case err != nil:
		return told(verb, unit, err)
	case a.err != nil:
		return told(verb, unit, a.err)
	case a.running != nil:
		return &Running{Unit: unit, Since: a.running.since}
	case !a.cleared:
		return told(verb, unit, noAnswer(out))
	}
	return nil
}
