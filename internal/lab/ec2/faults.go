package ec2

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Faults is what goes wrong on purpose. The zero value is nothing.
type Faults struct {
	Seed  uint64  `json:"seed,omitempty"` // of the shares: the same seed, the same calls fail
	Rules []Fault `json:"rules,omitempty"`

	// Instances launched while this is set are not listed at first (Unlisted), or are
	// listed without their tags (Untagged): for that time and for so many calls.
	Unlisted Lag `json:"unlisted,omitzero"`
	Untagged Lag `json:"untagged,omitzero"`

	// StuckPending keeps instances pending, without power, while it is set.
	StuckPending bool `json:"stuck_pending,omitempty"`
}

// Lag is how long a listing does not show a change: until the time is over and that many
// calls of Describe actions were answered.
type Lag struct {
	Calls int      `json:"calls,omitempty"`
	Time  Duration `json:"time,omitempty"`
}

// Fault is what happens to some calls. The delays of all faults that meet a call add up;
// the first effect wins.
type Fault struct {
	Actions []string `json:"actions,omitempty"` // empty: every action
	Page    int      `json:"page,omitempty"`    // only that page of a listing, the first is 1; 0: all
	Share   float64  `json:"share,omitempty"`   // of the calls, 0 to 1; 0: all
	Times   int      `json:"times,omitempty"`   // at most so often; 0: without end
	Delay   Duration `json:"delay,omitempty"`   // before the call is looked at
	Effect  Effect   `json:"effect,omitempty"`
	Code    string   `json:"code,omitempty"` // of Refused; RequestLimitExceeded unless given
}

// Effect is how a call fails.
type Effect string

// The effects.
const (
	None    Effect = ""        // it does not: only the delay
	Refused Effect = "refused" // an error with the fault's code, and nothing done
	Broken  Effect = "broken"  // InternalError, HTTP 500, and nothing done
	Cut     Effect = "cut"     // the connection is cut, and nothing done
	Lost    Effect = "lost"    // all is done, and the connection is cut before the answer
	Hung    Effect = "hung"    // no answer, ever
)

// Duration is a time.Duration that JSON spells "1.5s".
type Duration time.Duration

// MarshalText spells it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// check tells what is wrong with the faults.
func (f Faults) check() error {
	var errs []error
	for n, rule := range f.Rules {
		if !slices.Contains([]Effect{None, Refused, Broken, Cut, Lost, Hung}, rule.Effect) {
			errs = append(errs, fmt.Errorf("rule %d: no effect %q", n+1, rule.Effect))
		}
		if rule.Share < 0 || rule.Share > 1 || rule.Times < 0 || rule.Page < 0 || rule.Delay < 0 {
			errs = append(errs, fmt.Errorf("rule %d: a share is from 0 to 1, and nothing is negative", n+1))
		}
	}
	return errors.Join(errs...)
}

// dice is the faults in force with what was drawn and counted so far.
type dice struct {
	faults Faults
	random *rand.Rand
	used   []int // by rule
}

func newDice(f Faults) *dice {
	return &dice{f, rand.New(rand.NewPCG(f.Seed, 0)), make([]int, len(f.Rules))} //nolint:gosec // to be repeatable
}

// verdict is what happens to one call.
type verdict struct {
	delay  time.Duration
	effect Effect
	code   string
}

// next decides about a call.
func (d *dice) next(action string, page int) verdict {
	var v verdict
	for n, rule := range d.faults.Rules {
		if !rule.meets(action, page) || rule.Times > 0 && d.used[n] >= rule.Times {
			continue
		}
		if rule.Share > 0 && d.random.Float64() >= rule.Share {
			continue
		}
		d.used[n]++
		v.delay += time.Duration(rule.Delay)
		if v.effect == None {
			v.effect, v.code = rule.Effect, rule.Code
		}
	}
	if v.effect == Refused && v.code == "" {
		v.code = "RequestLimitExceeded"
	}
	return v
}

func (f Fault) meets(action string, page int) bool {
	return (len(f.Actions) == 0 || slices.Contains(f.Actions, action)) && (f.Page == 0 || f.Page == page)
}

// wording is the message of a code that a fault brings up.
func wording(code string) string {
	switch code {
	case "RequestLimitExceeded":
		return "Request limit exceeded."
	case "UnauthorizedOperation":
		return "You are not authorized to perform this operation."
	case "InternalError":
		return "An internal error has occurred"
	case "InsufficientInstanceCapacity":
		return "We currently do not have sufficient capacity in the Availability Zone you requested."
	}
	return "A fault that was asked for."
}
