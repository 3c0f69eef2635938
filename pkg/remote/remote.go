// Package remote reaches machines over SSH.
package remote

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"time"
)

// Settings say how to log in. One set serves a cluster; Machine may differ in user and port.
type Settings struct {
	User       string        // default: ssh_config, then root
	Port       uint16        // default: ssh_config, then 22
	Keys       []string      // private key files; default: ssh_config, then ~/.ssh/id_*
	Agent      bool          // ask the agent at $SSH_AUTH_SOCK
	KnownHosts []string      // files read; accept-new appends to the first
	AcceptNew  bool          // trust a host key on first use; otherwise unknown is refused
	ConfigFile string        // ssh_config to honour; "" for none
	Bastion    string        // [user@]host[:port] to go through; "" for none
	Timeout    time.Duration // for connecting and logging in, each time
}

// Machine names one SSH server.
type Machine struct {
	Name string // looked up in ssh_config; may be empty
	IP   netip.Addr
	User string // overrides Settings.User
	Port uint16 // overrides Settings.Port
}

// Output is what a remote command left.
type Output struct {
	Stdout, Stderr []byte
	Exit           int // the command's exit status
}

// Stage is how far a connection came before it failed.
type Stage string

// The stages, in order.
const (
	StageRoute   Stage = "no-route" // this machine or the network has no way there
	StageSilent  Stage = "silent"   // nothing answered in time
	StageRefused Stage = "refused"  // the host answered: nothing listens
	StageBanner  Stage = "banner"   // the port answered, but not as an SSH server in time
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

// The API in outline; see the files of the package.
type pool interface {
	Host(s *Settings, m Machine) host
	Close() error
}
type host interface {
	Check(ctx context.Context) error
	Run(ctx context.Context, command string, stdin io.Reader) (Output, error)
	Dial(ctx context.Context, network, addr string) (net.Conn, error)
	Upload(ctx context.Context, path string, mode os.FileMode, r io.Reader) error
}
