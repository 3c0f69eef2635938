package services

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/secret"
)

// byUnit brings the unit to where the verb wants it.
func (c change) byUnit(ctx context.Context) (Applied, error) {
	state, err := Inspect(ctx, c.host, c.Control)
	if err != nil {
		return Applied{}, err
	}
	if err := c.hindrance(state); err != nil {
		return Applied{}, err
	}
	if c.holds(state) && (c.Verb != Restart || !c.Anyway) {
		return Applied{Invocation: state.Invocation}, nil
	}
	for again := false; ; again = true {
		r, err := job.Run(ctx, c.host, c.systemctl())
		if err != nil {
			return Applied{}, err
		}
		state, ok, err := c.verify(ctx)
		switch {
		case err != nil:
			return Applied{}, err
		case ok:
			return Applied{Changed: true, Followed: r.Followed, Invocation: state.Invocation}, nil
		case !r.Followed || r.Err() != nil || again:
			return Applied{}, c.failure(ctx, state, r)
		}
		// An earlier try of this epoch did it, and it has not held.
		if err := job.Discard(ctx, c.host, c.Job); err != nil {
			return Applied{}, err
		}
	}
}

// systemctl is the job for a unit. A unit that has failed too often in a row is refused
// by systemd until its failures are forgotten: who asks for a start wants it tried.
func (c change) systemctl() job.Job {
	j, unit := c.Job, shellWord(c.Unit)
	j.Command = "systemctl " + c.Verb + " -- " + unit
	if c.Verb == Restart && c.Patience > 0 {
		j.Command = fmt.Sprintf(impatient, unit, strconv.FormatFloat(c.Patience.Seconds(), 'f', -1, 64))
	}
	if c.Verb != Stop {
		j.Command = "systemctl reset-failed -- " + unit + " 2>/dev/null\n" + j.Command
	}
	return j
}

// impatient restarts a unit; if its process has not ended after a time it is killed. What
// waits for that ends with the job.
const impatient = `unit=%[1]s
pid() { systemctl show --value -p MainPID -- "$unit"; }
old=$(pid)
( sleep %[2]s; if [ "$(pid)" = "$old" ]; then systemctl kill --signal=KILL -- "$unit"; fi ) >/dev/null 2>&1 &
systemctl restart -- "$unit"`

// hindrance tells why systemd cannot do it.
func (c change) hindrance(u UnitState) error {
	switch {
	case !u.Down():
		return nil // what runs can be stopped, whatever has become of its file
	case u.Load == "not-found":
		return fmt.Errorf("the machine has no unit %s: install the package that brings it, or name the right unit", c.Unit)
	case u.Load == "masked" && c.Verb != Stop:
		return fmt.Errorf("the unit is masked: systemctl unmask %s", c.Unit)
	case u.Load != "loaded" && c.Verb != Stop:
		return fmt.Errorf("the unit's file is of no use to systemd (%s): systemctl status %s", u.Load, c.Unit)
	}
	return nil
}

// holds tells whether the unit is as wanted.
func (c change) holds(u UnitState) bool {
	switch c.Verb {
	case Start:
		return u.Up()
	case Stop:
		return u.Down()
	}
	return u.Up() && (c.Invocation == "" || u.Invocation != c.Invocation)
}

// settling is how long a service must run that cannot say when it is ready: one with a
// broken configuration ends sooner.
const settling = 300 * time.Millisecond

// verify looks whether the unit has come to where it should be, and stays there.
func (c change) verify(ctx context.Context) (UnitState, bool, error) {
	first, err := Inspect(ctx, c.host, c.Control)
	if err != nil || !c.holds(first) {
		return first, false, err
	}
	if c.Verb == Stop || !slices.Contains([]string{"simple", "exec", "idle"}, first.Type) {
		return first, true, nil
	}
	later, err := inspectAfter(ctx, c.host, c.Control, settling)
	return later, err == nil && c.holds(later) && later.Invocation == first.Invocation, err
}

// failure is the error of a unit that did not come to where it should be: in one line,
// how it stands and what it said last.
func (c change) failure(ctx context.Context, u UnitState, r job.Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "the unit is %s (%s", u.Active, u.Sub)
	if u.Result != "" && u.Result != "success" {
		fmt.Fprintf(&b, ", %s", u.Result)
	}
	b.WriteString(")")
	words := lastLines(ctx, c.host, u, c.began)
	if err := r.Err(); err != nil && strings.TrimSpace(words) == "" {
		words = err.Error()
	}
	if words = ending(words, wordsLimit); words != "" {
		b.WriteString(": " + words)
	}
	return errors.New(oneLine(secret.Masker{}, b.String(), failureLimit))
}

// wordsLimit is how many bytes of a unit's last words an error tells.
const wordsLimit = 450

// ending is the last whole lines of a text that fit into limit bytes, of one line that
// does not the beginning: why a daemon ended stands in its last words.
func ending(text string, limit int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	first, size := len(lines)-1, len(lines[len(lines)-1])
	for first > 0 && size+1+len(lines[first-1]) <= limit {
		first--
		size += 1 + len(lines[first])
	}
	return cut(strings.Join(lines[first:], "\n"), limit)
}

// shellWord makes one word for a shell.
func shellWord(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
