package services

import (
	"context"
	"io"
	"net"
	"net/netip"
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
	// "preferred", "skip-verify", "required"; empty is "off".
	User     string
	Password secret.Value
	TLS      string
	Stats    Stats      // for haproxy
	VIP      netip.Addr // for keepalived: the virtual address it guards; may be zero
	Check    *Check     // set for a mode described in the configuration
}

// Stats is where an haproxy tells how its servers do: on a socket of its machine, or,
// where Path is set, on an HTTP page.
type Stats struct {
	Socket   string // default /run/haproxy/admin.sock
	Path     string // "/stats"; ";csv" is added where it is missing
	Port     uint16 // of the page
	User     string // the page's login; none where empty
	Password secret.Value
}

// Reach is how a probe gets to its target: Dial opens a connection (directly or
// through the machine's SSH connection), DialThere always one from the machine itself
// (to a socket of it), Run executes a command on the machine. All must return when
// their context is done, and closing a connection must end a read or write that is
// under way: Probe's own bound rests on it.
type Reach struct {
	Dial      func(ctx context.Context, network, addr string) (net.Conn, error)
	DialThere func(ctx context.Context, network, addr string) (net.Conn, error)
	Run       func(ctx context.Context, command string, stdin io.Reader) (remote.Output, error)
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
	Code command.Code
	// Reason is one line of detail, valid UTF-8 of at most 300 bytes, without any
	// secret. It is empty when all is well and fully seen.
	Reason string
	Role   Role
	// Writable is set where a database takes writes and replicates from nobody.
	Writable bool
	// HoldsVIP tells whether the machine has the target's VIP on one of its
	// interfaces, whatever else is amiss; nil where that was not seen.
	HoldsVIP *bool
	// Silent is set where nothing at all answered (time-out, no route): the far
	// machine, the network between, or the observer's own link may be at fault.
	// A refused connection is not silence: something answered.
	Silent bool
	// Facts move by themselves (lag, positions, versions, counters) and are shown
	// only when asked for. Values are strings, int64, float64 or bool.
	Facts map[string]any
}

// DefaultTimeout is how long a probe may take when its context has no deadline.
const DefaultTimeout = 3 * time.Second
