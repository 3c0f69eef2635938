package remote

import (
	"context"
	"net/netip"
	"time"
)

// DefaultTimeout is used where Settings name no Timeout.
const DefaultTimeout = 3 * time.Second

// Settings say how to log in. One set serves a cluster; Machine may differ in user and port.
type Settings struct {
	User       string        // default: ssh_config, then root
	Port       uint16        // default: ssh_config, then 22
	Keys       []string      // private key files; default: ssh_config, then ~/.ssh/id_*
	Agent      bool          // ask the agent at $SSH_AUTH_SOCK
	KnownHosts []string      // files read; accept-new appends to the first; default: ssh_config, then OpenSSH's own
	AcceptNew  bool          // trust a host key on first use; otherwise unknown is refused
	Vouch      Vouch         // trust an unknown host key that it knows; nil for none
	ConfigFile string        // ssh_config to honour; "" for none
	Bastion    string        // [user@]host[:port] to go through, or several with commas, outermost first; "" for ssh_config's ProxyJump, "none" for none at all
	Timeout    time.Duration // for connecting and logging in together, each time; again for opening a session; default DefaultTimeout
}

func (s *Settings) timeout() time.Duration {
	if s.Timeout <= 0 {
		return DefaultTimeout
	}
	return s.Timeout
}

// Vouch returns the public host keys of a machine from a source that is trusted as
// much as known_hosts, each as "type base64" and perhaps a comment. It is asked for
// machines, not for bastions, and only about a key that is unknown.
type Vouch func(ctx context.Context, m Machine) ([]string, error)

// Machine names one SSH server.
type Machine struct {
	Name string // looked up in ssh_config and known_hosts; may be empty
	IP   netip.Addr
	User string // overrides Settings.User
	Port uint16 // overrides Settings.Port
	Here bool   // it is the machine that this process runs on, and reached without SSH
}

// Output is what a remote command left.
type Output struct {
	Stdout, Stderr []byte
	Exit           int // the command's exit status
}
