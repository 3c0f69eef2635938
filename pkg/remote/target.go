package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
)

// target is one SSH server with everything about reaching it looked up.
type target struct {
	name      string // as the user calls it, may be empty
	user      string
	host      string // an ip, or a name for the resolver or the bastion before it
	port      uint16
	keyNames  []string // "host:port" under which its host key may be known; the first is where a new one is written
	keys      keySource
	known     []string // known_hosts files
	acceptNew bool
	vouch     func(context.Context) ([]string, error) // the machine's keys, from who knows them; nil for nobody
	via       *target                                 // the bastion before it
}

func (t *target) addr() string { return net.JoinHostPort(t.host, strconv.Itoa(int(t.port))) }

// label is how errors call it: "name (ip:port)".
func (t *target) label() string {
	if t.name == "" || t.name == t.host {
		return t.addr()
	}
	return t.name + " (" + t.addr() + ")"
}

// key identifies connections that may be shared: the same server reached the same
// way by the same user with the same keys, its host key verified by the same rule.
func (t *target) key() string {
	via := ""
	if t.via != nil {
		via = t.via.key()
	}
	return fmt.Sprintf("%q", []string{
		t.user, t.addr(), strings.Join(t.keyNames, " "), t.keys.id(),
		strings.Join(t.known, "\x00"), strconv.FormatBool(t.acceptNew), strconv.FormatBool(t.vouch != nil), via,
	})
}

// maxJumps bounds a chain of bastions, so that two which name each other in
// ssh_config are an error instead of a hang.
const maxJumps = 8

// resolver looks up targets of one Settings.
type resolver struct {
	settings *Settings
	config   *sshConfig
}

// machine resolves m: Machine goes before Settings, Settings before ssh_config,
// and that before the default.
func (r resolver) machine(m Machine) (*target, error) {
	aliases := []string{}
	if m.Name != "" {
		aliases = append(aliases, m.Name)
	}
	if m.IP.IsValid() {
		aliases = append(aliases, m.IP.Unmap().String())
	}
	if len(aliases) == 0 {
		return nil, errors.New("cannot reach a machine that has neither ip nor name")
	}
	t := &target{name: m.Name}
	t.user = first(m.User, r.settings.User, r.config.get(aliases, "User"), "root")
	t.host = aliases[0]
	if m.IP.IsValid() {
		t.host = m.IP.Unmap().String()
	} else if host := r.config.get(aliases, "HostName"); host != "" {
		t.host = tokens(host, m.Name, t.user)
	}
	var err error
	if t.port, err = r.port(aliases, m.Port, r.settings.Port); err != nil {
		return nil, err
	}
	r.trust(t, aliases)
	jumps := r.settings.Bastion
	if jumps == "" {
		jumps = r.config.get(aliases, "ProxyJump")
	}
	if vouch := r.settings.Vouch; vouch != nil {
		t.vouch = func(ctx context.Context) ([]string, error) { return vouch(ctx, m) }
	}
	t.via, err = r.chain(jumps, maxJumps)
	return t, err
}

// chain resolves bastions and returns the last, nearest to the machine. Only the
// outermost may be behind further ones that ssh_config names for it, as with
// OpenSSH.
func (r resolver) chain(list string, depth int) (*target, error) {
	jumps, err := parseJumps(list)
	if err != nil || len(jumps) == 0 {
		return nil, err
	}
	if len(jumps) > depth {
		return nil, fmt.Errorf("cannot go through bastion %s: more than %d in a row", jumps[0].host, maxJumps)
	}
	before, err := r.chain(r.config.get([]string{jumps[0].host}, "ProxyJump"), depth-len(jumps))
	if err != nil {
		return nil, err
	}
	for _, j := range jumps {
		t, err := r.bastion(j)
		if err != nil {
			return nil, err
		}
		t.via = before
		before = t
	}
	return before, nil
}

// bastion resolves one bastion. Settings.Port is for the machines behind it.
func (r resolver) bastion(j jump) (*target, error) {
	aliases := []string{j.host}
	t := &target{name: j.host, host: j.host}
	t.user = first(j.user, r.config.get(aliases, "User"), r.settings.User, "root")
	if host := r.config.get(aliases, "HostName"); host != "" {
		t.host = tokens(host, j.host, t.user)
	}
	var err error
	t.port, err = r.port(aliases, j.port)
	r.trust(t, aliases)
	return t, err
}

// trust fills in what proves who they are to us, and who we are to them.
func (r resolver) trust(t *target, aliases []string) {
	port := strconv.Itoa(int(t.port))
	t.keyNames = []string{t.addr()}
	if alias := r.config.get(aliases, "HostKeyAlias"); alias != "" {
		t.keyNames = []string{net.JoinHostPort(alias, "22")}
	} else if t.name != "" && t.name != t.host {
		t.keyNames = append(t.keyNames, net.JoinHostPort(t.name, port))
	}
	t.acceptNew = r.settings.AcceptNew
	t.known = expandAll(r.settings.KnownHosts)
	if len(t.known) == 0 {
		for _, f := range strings.Fields(r.config.get(aliases, "UserKnownHostsFile")) {
			t.known = append(t.known, tokens(f, t.host, t.user))
		}
	}
	if len(t.known) == 0 {
		t.known = []string{expand("~/.ssh/known_hosts"), "/etc/ssh/ssh_known_hosts"}
	}
	t.keys = r.keySource(t, aliases)
}

func (r resolver) keySource(t *target, aliases []string) keySource {
	var k keySource
	switch named := r.config.all(aliases, "IdentityFile"); {
	case len(r.settings.Keys) > 0:
		k.files, k.required = expandAll(r.settings.Keys), true
	case slices.Contains(named, "none"):
	case len(named) > 0:
		for _, f := range named {
			k.files = append(k.files, tokens(f, t.host, t.user))
		}
	default:
		k.fallback = expandAll([]string{"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"})
	}
	k.only = strings.EqualFold(r.config.get(aliases, "IdentitiesOnly"), "yes")
	if !r.settings.Agent {
		return k
	}
	switch agent := r.config.get(aliases, "IdentityAgent"); agent {
	case "", "SSH_AUTH_SOCK", "$SSH_AUTH_SOCK":
		k.agent = os.Getenv("SSH_AUTH_SOCK")
	case "none":
	default:
		k.agent = tokens(agent, t.host, t.user)
	}
	return k
}

func (r resolver) port(aliases []string, ports ...uint16) (uint16, error) {
	for _, p := range ports {
		if p != 0 {
			return p, nil
		}
	}
	text := r.config.get(aliases, "Port")
	if text == "" {
		return 22, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("cannot read ssh_config: %q is no Port for %s", text, aliases[0])
	}
	return uint16(n), nil
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
