package plan

import (
	"fmt"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Wish is something wanted of a service.
type Wish struct {
	Verb    string // start, stop, restart, or one of what comes before a start
	Service heartbeat.Service
	Machine heartbeat.Instance // as it was seen
	// Powers says that the provider switches machines on; a stop switches none on, it
	// waits for that.
	Powers bool
	// Before is what a managed service needs before it can be started, in its order,
	// and how it was found. Only a start goes through it.
	Before []Known
	// Up says that the service is managed and was seen to answer.
	Up bool
	// Reason is why the last step is to be done, or what it comes to.
	Reason string
}

// Known is something a service needs, and how it was found on its machine.
type Known struct {
	Verb string
	Done bool
	// Reason is what was found missing; empty where it is done, or nobody could look.
	Reason string
}

// Steps are what is to be queued, in this order.
type Steps struct {
	// All is every step of the way, those that are done already too.
	All    []Step
	Drafts []actions.Action
	// Code is OK where the last of them may start now, else what it waits for, in
	// the words of the 2012 table; Reason says it in one line.
	Code   command.Code
	Reason string
}

// Step is one step, as it is shown.
type Step struct {
	Do    command.Command
	State StepState
	// Reason is what is missing, or what is waited for.
	Reason string
}

// StepState is how a step stands before anything is done.
type StepState string

// The states of steps.
const (
	StepDone  StepState = "done"  // it is so already
	StepDue   StepState = "due"   // it may start now
	StepWaits StepState = "waits" // for the machine, or for the step before it
)

// Steps returns the steps on the way to what is wished.
func (w Wish) Steps() Steps {
	b := builder{w: w}
	b.out.Code, b.out.Reason = w.awaited()
	if power := w.power(); power != "" {
		b.add(command.Command{Level: string(heartbeat.Instances), Action: power, Group: w.Machine.Name}, actions.Trigger{}, "machine is "+w.Machine.State)
	}
	if w.Verb == "start" {
		for _, k := range w.Before {
			if k.Done {
				b.done(k.Verb)
				continue
			}
			b.service(k.Verb, k.Reason)
		}
		if w.Up && len(b.out.Drafts) == 0 {
			b.done(w.Verb)
			return b.out
		}
	}
	b.service(w.Verb, w.Reason)
	return b.out
}

// awaited is what the last step waits for.
func (w Wish) awaited() (command.Code, string) {
	v, i := w.Service.Name, w.Machine
	powers := w.Powers && w.Verb != "stop"
	switch state := i.State; {
	case i.Stale:
		return command.DelayedUntilStart, fmt.Sprintf("%s waits until machine %s is seen: %s", v, i.Name, i.Reason)
	case state == heartbeat.Running:
		return command.OK, ""
	case gone(state) && powers:
		return command.DelayedUntilCreation, fmt.Sprintf("%s waits until machine %s is launched: it is %s", v, i.Name, state)
	case gone(state):
		return command.DelayedUntilCreation, fmt.Sprintf("%s waits until somebody launches machine %s: it is %s", v, i.Name, state)
	case off(state) && powers:
		return command.DelayedUntilStart, fmt.Sprintf("%s waits until machine %s is started: it is %s", v, i.Name, state)
	}
	return command.DelayedUntilStart, fmt.Sprintf("%s waits until machine %s runs: it is %s", v, i.Name, i.State)
}

// power is what the provider has to be asked for first; empty for nothing.
func (w Wish) power() string {
	switch i := w.Machine; {
	case i.Stale || !w.Powers || w.Verb == "stop":
		return ""
	case gone(i.State):
		return "launch"
	case off(i.State):
		return "start"
	}
	return ""
}

func gone(state string) bool {
	return state == heartbeat.Absent || state == heartbeat.Terminated || state == heartbeat.ShuttingDown
}

func off(state string) bool { return state == heartbeat.Stopped || state == heartbeat.Stopping }

// builder puts steps together.
type builder struct {
	w   Wish
	out Steps
}

// service adds a step on the machine, which waits until that runs.
func (b *builder) service(verb, reason string) {
	b.add(b.onService(verb), actions.Trigger{IP: b.w.Machine.IP, Kind: heartbeat.Instances, State: heartbeat.Running}, reason)
}

func (b *builder) onService(verb string) command.Command {
	return command.Command{Level: string(heartbeat.Services), Action: verb, Group: b.w.Service.Name}
}

func (b *builder) done(verb string) {
	b.out.All = append(b.out.All, Step{Do: b.onService(verb), State: StepDone})
}

// add adds a step to be done. What comes after another step waits for that, and what
// needs the machine for it.
func (b *builder) add(do command.Command, when actions.Trigger, reason string) {
	s := Step{Do: do, State: StepDue, Reason: reason}
	switch n := len(b.out.Drafts); {
	case n > 0:
		s.State = StepWaits
	case when != (actions.Trigger{}) && b.out.Code != command.OK:
		s.State = StepWaits
		if s.Reason == "" {
			s.Reason = b.out.Reason
		}
	}
	b.out.All = append(b.out.All, s)
	b.out.Drafts = append(b.out.Drafts, actions.Action{Cluster: b.w.Service.Cluster, When: when, Do: do})
}
