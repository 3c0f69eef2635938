// Package services knows the service modes: how each is probed, in the protocol
// it really speaks. What comes in is a Target and the ways to reach it; what goes
// out is an Observation, never an error: a probe that fails has observed that.
package services

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/secret"
)

// Target is one service to probe.
type Target struct {
	Name string
	Mode string // a built-in mode or the name of a Check
	Addr string // "ip:port"
	// User, Password and TLS are for database modes. TLS is one of "off",
	// "preferred", "skip-verify", "required".
	User     string
	Password secret.Value
	TLS      string
	Check    *Check // set for a mode described in the configuration
}

// Reach is how a probe gets to its target: Dial opens a connection (directly or
// through the machine's SSH connection), Run executes a command on the machine.
type Reach struct {
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	Run  func(ctx context.Context, command string, stdin io.Reader) (remote.Output, error)
}

// Role is what a service is among its peers, as its protocol tells.
type Role string

// The roles, in the seed's words. Unknown is a role the probe could not see.
const (
	Unknown Role = ""
	Master  Role = "master"
	Slave   Role = "slave"
	NA      Role = "na"
)

// Observation is what a probe saw.
type Observation struct {
	Code   command.Code
	Reason string // one line of detail, empty when all is well; no secret in it
	Role   Role
	// Writable is set where a database takes writes and replicates from nobody.
	Writable bool
	// Silent is set where nothing at all answered (time-out, no route): the far
	// machine, the network between, or the observer's own link may be at fault.
	// A refused connection is not silence: something answered.
	Silent bool
	// Facts move by themselves (lag, positions, versions, counters) and are shown
	// only when asked for. Values are strings, int64, float64 or bool.
	Facts map[string]any
}

// Check describes how a mode that is not built in is probed: one of TCP, HTTP
// and Command is set.
type Check struct {
	TCP     *TCPCheck
	HTTP    *HTTPCheck
	Command *CommandCheck
}

// TCPCheck connects, sends Send if given, and reads until Expect (a regular
// expression) matches. Without Expect a connection is enough.
type TCPCheck struct{ Send, Expect string }

// HTTPCheck makes one request and compares status and body. No redirect is followed.
type HTTPCheck struct {
	Method string // default GET
	Path   string // default /
	Host   string // Host header and TLS server name
	TLS    bool
	Status int    // default: any 2xx
	Expect string // a regular expression the body must match
}

// CommandCheck runs a command on the service's machine over SSH and compares exit
// code and output.
type CommandCheck struct {
	Run    string
	Exit   int
	Expect string // a regular expression standard output must match
}

// DefaultTimeout is how long a probe may take when its configuration names no time.
const DefaultTimeout = 3 * time.Second
