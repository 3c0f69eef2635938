package manager

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clmgr/clmgr/pkg/cloud"
)

const (
	// waitTime bounds how long a change is followed.
	waitTime = 15 * time.Minute
	// shortPause and longPause bound the time between two looks at a machine on
	// its way: soon at first, sparing the provider's API later.
	shortPause = 250 * time.Millisecond
	longPause  = 5 * time.Second
)

// follow does a change and looks until it is over. What the present state forbids
// is tried again when that has passed, and a provider that does not answer is
// asked again.
func follow(ctx context.Context, d cloud.Driver, name, verb string, act func(context.Context, string) (cloud.Instance, error)) (cloud.Instance, error) {
	limited, cancel := context.WithTimeout(ctx, waitTime)
	defer cancel()
	wait := pauses(limited)
	i, err := act(limited, name)
	for passing(err) && wait() {
		i, err = act(limited, name)
	}
	if err != nil {
		return i, err
	}
	for i.State != ends(verb) {
		if !wait() {
			return i, &unfinished{verb, i}
		}
		now, err := d.Instance(limited, name)
		if err != nil {
			continue // the next look may be answered; the wait is bounded
		}
		i = now
		if lost(verb, i) {
			return i, fmt.Errorf("cannot see instance %s %s: it is %s", name, ends(verb), i.State)
		}
	}
	return i, nil
}

// ends is the state a verb ends in.
func ends(verb string) string {
	switch verb {
	case "stop":
		return cloud.StateStopped
	case "terminate":
		return cloud.StateAbsent
	}
	return cloud.StateRunning
}

// lost tells a state from which the verb's end cannot be reached any more.
func lost(verb string, i cloud.Instance) bool {
	switch i.State {
	case cloud.StateAbsent, cloud.StateTerminated, cloud.StateShuttingDown:
		return verb != "terminate"
	case cloud.StateStopped, cloud.StateStopping:
		return verb == "launch" || verb == "start"
	}
	return false
}

func passing(err error) bool {
	var notNow *cloud.NotNow
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

// unfinished is a change that was followed in vain.
type unfinished struct {
	verb string
	last cloud.Instance
}

// Error says how far it came.
func (u *unfinished) Error() string {
	return fmt.Sprintf("cannot see instance %s %s: after %s it is still %s", u.last.Name, ends(u.verb), waitTime, u.last.State)
}
