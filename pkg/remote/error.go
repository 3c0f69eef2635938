package remote

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// Stage is how far a connection came before it failed.
type Stage string

// The stages, in order.
const (
	StageRoute   Stage = "no-route" // this machine or the network has no way there; a bastion that fails is that too
	StageSilent  Stage = "silent"   // nothing answered in time
	StageRefused Stage = "refused"  // the host answered: nothing listens
	StageBanner  Stage = "banner"   // the port answered, but not as an SSH server in time; a key exchange that hangs is that too
	StageHostKey Stage = "host-key" // the key is unknown or another than the known one
	StageAuth    Stage = "auth"     // the server does not accept us
	StageSession Stage = "session"  // logged in, but no session or command could be started
	StageLost    Stage = "lost"     // the connection broke while in use
)

// Error tells where and why reaching a machine failed.
type Error struct {
	Stage   Stage
	Machine string // "name (ip:port)"
	Err     error
}

// Error is one line: "cannot reach name (ip:port): cause".
func (e *Error) Error() string {
	return "cannot reach " + e.Machine + ": " + oneLine(e.Err.Error())
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Silent tells whether nothing at all answered, so that the fault may as well lie
// in the network or with the observer: true for no-route and silent only.
func (e *Error) Silent() bool { return e.Stage == StageRoute || e.Stage == StageSilent }

// named returns err as an error about the machine. The lower layers do not know
// the name, since a connection may be shared by two that call its machine
// differently. Without a name it was not even looked up, and err stays as it is.
func named(err error, machine string) error {
	var e *Error
	switch {
	case machine == "":
		return err
	case !errors.As(err, &e):
		return fmt.Errorf("cannot reach %s: %w", machine, err)
	case e.Machine == "":
		return &Error{Stage: e.Stage, Machine: machine, Err: e.Err}
	}
	return err
}

// oneLine keeps what a server said from breaking a log line or a document.
func oneLine(s string) string {
	return strings.Join(strings.Fields(s), " ")
}

// connectStage tells what a failed connect(2) says about the far host. Errors of
// this machine itself (no descriptors, no address, a local filter) count as no
// route: nothing was learnt about the host.
func connectStage(err error) Stage {
	var lookup *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &lookup):
		return StageRoute
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET):
		return StageRefused
	case errors.As(err, &timeout) && timeout.Timeout():
		return StageSilent
	default:
		return StageRoute
	}
}
