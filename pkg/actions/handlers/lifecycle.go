package handlers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/services"
)

const (
	// verifyTime bounds how long a service that was started may take to answer.
	verifyTime = 20 * time.Second
	// verifyPause lies between two probes of it.
	verifyPause = 300 * time.Millisecond
	// runningOn is how soon a step that still runs on its machine is followed again.
	runningOn = 5 * time.Second
)

// InvocationKey names, in an action's Require, the invocation of a service's unit
// that a restart is to end.
func InvocationKey(service string) string { return "invocation of " + service }

// AnywayKey is, in an action's Require, the word that a restart is wanted of whatever
// runs then, since nobody looked what that was; its value is Meant.
const AnywayKey = "restart anyway"

// HungKey is, in an action's Require, the word that a restart is wanted only of what runs
// and does not answer, when the action's turn comes. Its value is how long that has to stop
// by itself before it is killed.
const HungKey = "restart if hung"

// UnitOf names the transient unit of an action's step for a service.
func UnitOf(id actions.ID, service string) string { return "clmgr-" + id.String() + "-" + service }

// lifecycle starts, stops or restarts services on their machines.
func (h Handlers) lifecycle(ctx context.Context, a actions.Action) error {
	list, err := h.Site.Services(a.Command())
	if err != nil {
		return &actions.Permanent{Err: err}
	}
	for _, s := range list { // one after another: those of a machine would meet at its package and unit locks
		if err := h.apply(ctx, a, s); err != nil {
			return err
		}
	}
	return nil
}

func (h Handlers) apply(ctx context.Context, a actions.Action, s Service) error {
	verb := a.Do.Action
	patience, err := hung(ctx, a, s)
	if err != nil || patience == answers {
		return err
	}
	over := verb == services.Restart && restarted(ctx, s, a.Require[InvocationKey(s.Name)])
	if s.Drain != nil && verb != services.Start && !over {
		if err := s.Drain(ctx); err != nil {
			return judged(fmt.Errorf("cannot ready %s for its stop: %w", s.Name, err))
		}
	}
	anyway := verb == services.Restart && (a.Require[AnywayKey] == Meant || patience > 0)
	step := services.Step{Verb: verb, Invocation: a.Require[InvocationKey(s.Name)], Anyway: anyway, Patience: patience, Job: h.job(a, s)}
	if _, err := services.Apply(ctx, s.Host, s.Control, step); err != nil {
		return judged(err)
	}
	err = verify(ctx, verb, s)
	if proof := s.Control.Unit == "" || anyway; err == nil && proof || ctx.Err() != nil {
		return err // nothing else tells that it was done, should this be run again
	}
	// The step is not needed any more, or has not held. What cannot be cleared now
	// only takes room on the machine.
	_ = job.Discard(ctx, s.Host, step.Job)
	return err
}

// answers is the patience with what needs none: it answers.
const answers time.Duration = -1

// hung returns the patience that a restart of what hangs is to have, 0 for a command that
// is about something else, and answers where it does not hang. What does not run at all is
// not a watchdog's business: its unit says what is to become of it, or an operator did.
func hung(ctx context.Context, a actions.Action, s Service) (time.Duration, error) {
	word, asked := a.Require[HungKey]
	if !asked {
		return 0, nil
	}
	patience, err := time.ParseDuration(word)
	if err != nil || patience <= 0 {
		return 0, &actions.Permanent{Err: fmt.Errorf("cannot restart %s: %q is no time to wait for it", s.Name, word)}
	}
	if seen := s.Probe(ctx); asWanted(services.Start, seen) {
		return answers, nil
	}
	if s.Control.Unit == "" {
		return patience, ctx.Err()
	}
	state, err := services.Inspect(ctx, s.Host, s.Control)
	if err != nil {
		return 0, judged(err)
	}
	if state.Down() {
		return 0, &actions.Permanent{Err: fmt.Errorf("cannot restart %s, which hung: by now its unit %s does not run (%s)", s.Name, s.Control.Unit, state.Active)}
	}
	return patience, ctx.Err()
}

// judged tells what is in the way for now, and what for good, from what failed.
func judged(err error) error {
	var unreached *remote.Error
	var refused *provision.Refused
	switch {
	case errors.As(err, new(*provision.Unwilling)), errors.As(err, &refused) && refused.Err == nil:
		return &actions.Permanent{Err: err}
	case errors.As(err, new(*job.Running)), errors.As(err, new(*provision.NotYet)):
		return &actions.Retry{After: runningOn, Reason: err.Error()}
	case errors.As(err, &unreached) && unreached.Stage != remote.StageHostKey && unreached.Stage != remote.StageAuth:
		return &actions.Wait{Reason: err.Error()}
	}
	return err
}

// verify probes until the service is as it should be.
func verify(ctx context.Context, verb string, s Service) error {
	own, cancel := context.WithTimeout(ctx, verifyTime)
	defer cancel()
	for {
		seen := s.Probe(own)
		if asWanted(verb, seen) {
			return nil
		}
		select {
		case <-own.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("cannot see service %s after its %s: %s: %s", s.Name, verb, seen.Code.Text(), seen.Reason)
		case <-time.After(verifyPause):
		}
	}
}

// asWanted tells whether a service that was seen so is as the verb wants it. It is
// up when it answers, whatever it then says: a replica that does not replicate was
// started all the same.
func asWanted(verb string, seen services.Observation) bool {
	up := true
	switch seen.Code {
	case command.RemoteCommFailure, command.Interrupted:
		return false // nothing was seen
	case command.DatabaseCommFailure, command.MemcacheCommFailure, command.RemoteCommandFailed:
		up = false
	}
	return up == (verb != services.Stop)
}
