package services

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/secret"
)

// attempt is one probe under way.
type attempt struct {
	Target
	reach  Reach
	masker secret.Masker
	// patience is what the deadline left when the probe began, for the reason.
	patience time.Duration
}

// Probe looks at one service and tells what it saw. It returns when ctx is done
// (or after DefaultTimeout, where ctx has no deadline) whatever the far side does,
// and never panics. A probe whose context was cancelled before it had an answer, or
// was over before it began, saw nothing: its code is command.Interrupted, which is no
// state of the service.
// A target that cannot be probed as it is described gives command.BadConfig.
func Probe(ctx context.Context, t Target, reach Reach) (seen Observation) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultTimeout)
		defer cancel()
	}
	deadline, _ := ctx.Deadline()
	a := attempt{
		Target:   t,
		reach:    reach,
		masker:   secret.NewMasker(t.Password, t.Stats.Password, t.Stats.login()),
		patience: time.Until(deadline),
	}
	d, err := driverFor(t)
	if err != nil {
		return a.finish(a.failed(command.BadConfig, err.Error()), NA)
	}
	role := NA
	if d.info.Roles {
		role = Unknown
	}
	if ctx.Err() != nil {
		return a.finish(a.failed(command.Interrupted, "no time left to look"), role)
	}
	// A library that stumbles over what a far side sent must not take the other
	// probes with it.
	defer func() {
		if p := recover(); p != nil {
			seen = a.finish(a.failed(command.RemoteMonitorFailure, fmt.Sprintf("probe broke off: %v", p)), role)
		}
	}()
	seen = d.probe(ctx, a)
	if seen.Code != command.OK && errors.Is(ctx.Err(), context.Canceled) {
		seen = a.failed(command.Interrupted, "cancelled before an answer")
	}
	return a.finish(seen, role)
}

// driverFor finds what probes the target: its own check, else the built-in mode.
func driverFor(t Target) (driver, error) {
	if t.Check != nil {
		return checkDriver(t.Check)
	}
	if d, ok := drivers()[t.Mode]; ok {
		return d, nil
	}
	return driver{}, fmt.Errorf("mode %q is not built in and has no check", t.Mode)
}

// failed is an observation of something amiss.
func (a attempt) failed(code command.Code, reason string) Observation {
	return Observation{Code: code, Reason: reason}
}

// finish makes an observation fit to be shown: masked, one line, with a role.
func (a attempt) finish(seen Observation, role Role) Observation {
	if seen.Role == Unknown {
		seen.Role = role
	}
	seen.Reason = oneLine(a.masker, seen.Reason, reasonLimit)
	if seen.Facts == nil {
		return seen
	}
	facts := make(map[string]any, len(seen.Facts))
	for key, value := range seen.Facts {
		if text, ok := value.(string); ok {
			value = oneLine(a.masker, text, factLimit)
		}
		facts[oneLine(a.masker, key, keyLimit)] = value // a channel's name is in it
	}
	seen.Facts = facts
	return seen
}
