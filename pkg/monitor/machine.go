package monitor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/remote"
)

// Runner runs commands on a machine, as *remote.Host does.
type Runner interface {
	Run(ctx context.Context, command string, stdin io.Reader) (remote.Output, error)
}

// Machine is one that is watched.
type Machine struct {
	Cluster, Name string
	IP            netip.Addr
	Runner        Runner
	Every         time.Duration // between two looks
	Timeout       time.Duration // of one
}

// ask runs a script by the machine's sh and returns what it printed. An error that
// unreachable holds true for says nothing about the script.
func (m Machine) ask(ctx context.Context, script string) (string, error) {
	// The shell reads a group to its end before it runs any of it.
	out, err := m.Runner.Run(ctx, "sh", strings.NewReader("{ exec </dev/null\nLC_ALL=C\nexport LC_ALL\n"+script+"\nexit\n}\n"))
	if err != nil {
		return "", err
	}
	if out.Exit != 0 {
		return "", fmt.Errorf("exit status %d: %s", out.Exit, oneLine(string(out.Stderr), longestReason))
	}
	return string(out.Stdout), nil
}

// unreachable tells whether an error is about the way to a machine.
func unreachable(err error) bool {
	var e *remote.Error
	return errors.As(err, &e)
}

// States of whether a look at a machine succeeds.
const ofLook = "/look"

// look is the condition of looking at a machine, and tells whether it was seen. That it
// cannot be reached is no state of ours.
func (m Machine) look(b *book, s subject, err error, mask func(string) string, now time.Time) bool {
	if unreachable(err) {
		return false
	}
	b.internal(s, change{name: m.Name + ofLook, was: Answering, is: Failed}, masked(err, mask), now)
	return err == nil
}

// watching is what is watched of the machine.
func (m Machine) watching(kind heartbeat.Kind, what string, k keeper, good func(state string) bool) watching {
	return watching{
		Standing: Standing{Kind: kind, Cluster: m.Cluster, Name: m.Name, Machine: m.Name, Watches: what},
		keeper:   k, good: good, itself: func(name string) bool { return name == m.Name+ofLook },
	}
}

// subject is what events about the machine have in common.
func (m Machine) subject(manager string, kind heartbeat.Kind, hostname string) subject {
	return subject{
		cluster: m.Cluster, manager: manager, kind: kind, ip: m.IP,
		labels: map[string]string{labelMachine: m.Name, labelHostname: hostname},
	}
}

// move moves a condition of a machine to what was seen and tells of it. Whether a state
// is a trouble is told by severity, "" for none.
func (b *book) move(s subject, t *track, state string, hold time.Duration, c change, severity string, now time.Time) {
	c.was = t.State
	if !t.step(state, hold, now) {
		return
	}
	c.is = state
	if severity == "" {
		maps.Copy(c.labels, over(t.Severity))
	} else {
		t.Severity, c.labels[labelSeverity] = severity, severity
	}
	b.tell(s, c, now)
}
