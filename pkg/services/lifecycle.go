package services

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/secret"
)

// Control says how a service is started and stopped: by its unit, or by commands of the
// configuration. Where Restart is empty, it is Stop and then Start.
type Control struct {
	Unit                 string
	Start, Stop, Restart string
}

// The verbs of a Step.
const (
	Start   = "start"
	Stop    = "stop"
	Restart = "restart"
)

// Step is one thing to do to a service.
type Step struct {
	Verb string
	// Job names the job that does it, its term and its limit; the command is filled in.
	Job job.Job
	// Invocation is, for a restart, the unit's invocation when it was asked for: one that
	// has another by now was restarted. Empty says that it did not run then, and so that
	// running is enough.
	Invocation string
	// Anyway says of a restart that it is wanted of whatever runs, once. What tells that it
	// was done is the job, which is therefore to be left on the machine.
	Anyway bool
	// Patience is how long a restart lets what runs stop by itself before it is killed; 0
	// for as long as its unit says. Not for commands.
	Patience time.Duration
}

// Applied is what came of a Step.
type Applied struct {
	// Changed is false where all was as wanted at the first look.
	Changed bool
	// Followed tells that another had begun it already.
	Followed bool
	// Invocation is that of the unit now; of the job where there is no unit.
	Invocation string
}

// Apply does the step: look, do, look again. What is as wanted costs one look and is
// left alone. It may be called again after any failure and by any successor: the errors of
// job.Run, *job.Superseded and *job.Running, are in the chain, and so is *remote.Error.
//
// Where there is no unit to look at, a command that ended well is not run again in the
// same epoch. A caller that finds its effect missing clears the way by job.Discard.
func Apply(ctx context.Context, host job.Machine, c Control, s Step) (Applied, error) {
	a := change{host: host, Control: c, Step: s, began: time.Now()}
	apply, what := a.byUnit, c.Unit
	if c.Unit == "" {
		apply, what = a.byCommand, "a service by its command"
	}
	if err := a.check(); err != nil {
		return Applied{}, fmt.Errorf("cannot %s %s: %w", s.Verb, what, err)
	}
	done, err := apply(ctx)
	if err != nil {
		return Applied{}, fmt.Errorf("cannot %s %s: %w", s.Verb, what, err)
	}
	return done, nil
}

// change is one call of Apply.
type change struct {
	host job.Machine
	Control
	Step
	began time.Time
}

func (c change) check() error {
	commands := c.Start != "" || c.Stop != "" || c.Restart != ""
	switch {
	case !slices.Contains([]string{Start, Stop, Restart}, c.Verb):
		return fmt.Errorf("no such verb: %q", c.Verb)
	case c.Unit != "" && commands:
		return errors.New("it has both a unit and commands")
	case c.Unit != "":
		return checkUnitName(c.Unit)
	case c.configured() == "":
		return errors.New("it has neither a unit nor a command for that")
	}
	return nil
}

// failureLimit is how many bytes an error tells of what a command or a unit has said.
const failureLimit = 600

// byCommand runs the configured command and trusts its exit status.
func (c change) byCommand(ctx context.Context) (Applied, error) {
	j := c.Job
	j.Command, j.Daemons = c.configured(), true
	r, err := job.Run(ctx, c.host, j)
	if err != nil {
		return Applied{}, err
	}
	if err := r.Err(); err != nil {
		return Applied{}, errors.New(oneLine(secret.Masker{}, err.Error(), failureLimit))
	}
	return Applied{Changed: true, Followed: r.Followed, Invocation: r.Invocation}, nil
}

// configured is the command for the verb; empty where there is none.
func (c change) configured() string {
	start, stop := c.Start, c.Stop
	switch {
	case c.Verb == Start:
		return start
	case c.Verb == Stop:
		return stop
	case c.Restart != "":
		return c.Restart
	case start == "" || stop == "":
		return ""
	}
	return "sh -c " + shellWord(stop) + " && sh -c " + shellWord(start)
}
