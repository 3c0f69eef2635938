package cloud

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// waitTime bounds how long a change is followed.
	waitTime = 15 * time.Minute
	// shortPause and longPause bound the time between two looks at a machine on
	// its way: soon at first, sparing the provider's API later.
	shortPause = 250 * time.Millisecond
	longPause  = 5 * time.Second
)

// Change makes a change to one machine: launch, start, stop or terminate.
func Change(ctx context.Context, d Driver, verb, name string) (Instance, error) {
	switch verb {
	case "launch":
		return d.Launch(ctx, name)
	case "start":
		return d.Start(ctx, name)
	case "stop":
		return d.Stop(ctx, name)
	case "terminate":
		return d.Terminate(ctx, name)
	}
	return Instance{}, fmt.Errorf("cannot %s instance %s: there is no such change", verb, name)
}

// Follow makes a change and looks until it is over, for 15 minutes or until ctx is
// done; then the error is an *Unfinished. What the present state forbids is tried
// again when that has passed, and a provider that does not answer is asked again.
func Follow(ctx context.Context, d Driver, verb, name string) (Instance, error) {
	limited, cancel := context.WithTimeout(ctx, waitTime)
	defer cancel()
	wait := pauses(limited)
	began := time.Now()
	i, err := Change(limited, d, verb, name)
	for passing(err) && wait() {
		i, err = Change(limited, d, verb, name)
	}
	if err != nil {
		return i, err
	}
	for i.State != ends(verb) {
		if !wait() {
			return i, &Unfinished{verb, i, time.Since(began)}
		}
		now, err := d.Instance(limited, name)
		if err != nil {
			continue // the next look may be answered; the wait is bounded
		}
		i = now
		if lost(verb, i) {
			return i, fmt.Errorf("cannot see instance %s %s: it is %s%s", name, ends(verb), i.State, i.because())
		}
	}
	return i, nil
}

// ends is the state a verb ends in.
func ends(verb string) string {
	switch verb {
	case "stop":
		return StateStopped
	case "terminate":
		return StateAbsent
	}
	return StateRunning
}

// lost tells a state from which the verb's end cannot be reached any more.
func lost(verb string, i Instance) bool {
	switch i.State {
	case StateAbsent, StateTerminated, StateShuttingDown:
		return verb != "terminate"
	case StateStopped, StateStopping:
		return verb == "launch" || verb == "start"
	}
	return false
}

func passing(err error) bool {
	var notNow *NotNow
	return errors.As(err, &notNow) && notNow.Passing()
}

// pauses returns a function that lets a growing time pass; false when ctx is over.
func pauses(ctx context.Context) func() bool {
	next := shortPause
	return func() bool {
		t := time.NewTimer(next)
		defer t.Stop()
		next = min(next*3/2, longPause)
		select {
		case <-t.C:
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// Unfinished is a change that was followed until there was no more time.
type Unfinished struct {
	Verb  string
	Last  Instance
	After time.Duration
}

// Error says how far it came.
func (u *Unfinished) Error() string {
	return fmt.Sprintf("cannot see instance %s %s: after %s it is still %s", u.Last.Name, ends(u.Verb), u.After.Round(time.Second), u.Last.State)
}
