package actions

import "time"

// Retry is what a handler returns when it is to be called again: something
// stands in its way that is no failure.
type Retry struct {
	After  time.Duration // zero for the usual delay; never more than Limits.Longest
	Reason string
}

func (e *Retry) Error() string { return "to be tried again: " + e.Reason }

// Wait is what a handler returns when the state that the action waited for is
// over: it waits for it again.
type Wait struct{ Reason string }

func (e *Wait) Error() string { return "waits again: " + e.Reason }

// Permanent is what a handler returns when trying again would be of no use: it is
// given up at once, until somebody retries it.
type Permanent struct{ Err error }

func (e *Permanent) Error() string { return e.Err.Error() }

func (e *Permanent) Unwrap() error { return e.Err }
