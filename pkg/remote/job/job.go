package job

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/remote"
)

// Machine runs commands, as *remote.Host does.
type Machine interface {
	Run(ctx context.Context, command string, stdin io.Reader) (remote.Output, error)
}

// Job is a command to run once.
type Job struct {
	// Unit is the unit's name without ".service". It begins with "clmgr-", so that no
	// job is ever taken for a service of the machine.
	Unit string
	// Epoch and Try are the term of who asks, the epoch counting more.
	Epoch, Try uint64
	// Command is run by sh as root, with no input.
	Command string
	// Limit is how long it may run. Then it gets SIGTERM, and after ten seconds SIGKILL.
	Limit time.Duration
	// Description is for those who look at the machine's units; no secret goes in.
	Description string
	// Daemons says that what the command leaves in the background is a service: it stays
	// when the job is cleared. The Limit then ends the command's shell alone.
	Daemons bool
	// After is run by sh as root when the command has failed, been killed or come to its
	// limit, and none of its processes is left: what must not stay behind goes there. It
	// has a minute. It is not for jobs with Daemons.
	After string
}

// Result is how a job ended. A command that failed is no error of Run.
type Result struct {
	// Followed tells that the job was not started by this call.
	Followed bool
	// Exit is the exit status of the command, 128 and more where a signal ended it.
	Exit int
	// Outcome is the unit's Result: success, exit-code, signal, timeout, oom-kill, ...
	Outcome string
	// Invocation is systemd's id of this run.
	Invocation string
	// Output is the end of what the command printed, from the journal, at most 2 KiB.
	Output string
}

// success is the Outcome of a job that did what it should.
const success = "success"

// Err is nil for a job that succeeded, else one line on why it did not.
func (r Result) Err() error {
	if r.Outcome == success {
		return nil
	}
	text := "it ended by " + r.Outcome
	if r.Outcome == "exit-code" {
		text = fmt.Sprintf("exit status %d", r.Exit)
	}
	if words := strings.Join(strings.Fields(r.Output), " "); words != "" {
		text += ": " + words
	}
	return errors.New(text)
}

// Run runs the job, or follows the one that is there, and returns when it has ended. An
// error is *Superseded where a later term has been seen on the machine; *Running where
// ctx ended first, and the job goes on; *remote.Error where the machine could not be
// reached. A connection lost on the way is made anew for as long as ctx allows, which
// should therefore have a deadline.
//
// A job that ended well in the same epoch is not run again: the step was done, only its
// owner was lost. Discard clears the way where that turns out not to have held.
func Run(ctx context.Context, host Machine, j Job) (Result, error) {
	if err := j.check(); err != nil {
		return Result{}, fmt.Errorf("cannot run job %s: %w", j.Unit, err)
	}
	f := &follower{host: host, job: j, token: strings.ToLower(rand.Text()[:10])}
	result, err := f.follow(ctx)
	if err != nil {
		return Result{}, told("run", j.Unit, err)
	}
	return result, nil
}

// term is written so that terms compare as text.
func (j Job) term() string { return fmt.Sprintf("%020d.%020d", j.Epoch, j.Try) }

func (j Job) check() error {
	if err := checkUnit(j.Unit); err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(j.Command) == "":
		return errors.New("it has no command")
	case strings.ContainsRune(j.Command, 0):
		return errors.New("its command holds a zero byte")
	case j.Limit < time.Millisecond:
		return errors.New("it has no limit")
	case strings.ContainsRune(j.After, 0), j.After != "" && j.Daemons:
		return errors.New("what is to be run after it holds a zero byte, or it has daemons")
	}
	return nil
}

func checkUnit(unit string) error {
	if !regexp.MustCompile(`^clmgr-[A-Za-z0-9._-]{1,200}$`).MatchString(unit) {
		return fmt.Errorf("bad unit name %q: clmgr- and then letters, digits, dots and dashes", unit)
	}
	return nil
}
