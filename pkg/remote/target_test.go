package remote

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func resolve(t *testing.T, config string, s Settings, m Machine) (*target, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	c := configs{parsed: map[string]*sshConfig{}}
	parsed, err := c.load(file)
	if err != nil {
		t.Fatal(err)
	}
	return resolver{settings: &s, config: parsed}.machine(m)
}

const sample = `
Host db*
  User dbadmin
  Port 2200
  HostName 10.9.9.9
  IdentityFile ~/.ssh/%r-key
  IdentityFile /keys/%h
  IdentityAgent /run/agent-of-%u
  ProxyJump jump
  HostKeyAlias databases
  StrictHostKeyChecking no
Host jump
  Port 2022
  ProxyJump outer
Host 10.0.0.*
  User byip
Host loop
  ProxyJump loop
Host *
  UserKnownHostsFile /known/a /known/b
`

func TestResolveOrder(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	ip := netip.MustParseAddr("10.0.0.5")
	for _, c := range []struct {
		name     string
		settings Settings
		machine  Machine
		user     string
		addr     string
	}{
		{"machine first", Settings{User: "s", Port: 2}, Machine{Name: "db1", IP: ip, User: "m", Port: 1}, "m", "10.0.0.5:1"},
		{"then settings", Settings{User: "s", Port: 2}, Machine{Name: "db1", IP: ip}, "s", "10.0.0.5:2"},
		{"then ssh_config", Settings{}, Machine{Name: "db1", IP: ip}, "dbadmin", "10.0.0.5:2200"},
		{"ssh_config by ip", Settings{}, Machine{Name: "web", IP: ip}, "byip", "10.0.0.5:22"},
		{"HostName without ip", Settings{}, Machine{Name: "db1"}, "dbadmin", "10.9.9.9:2200"},
		{"name without ip", Settings{}, Machine{Name: "web"}, "root", "web:22"},
		{"mapped ip", Settings{}, Machine{IP: netip.MustParseAddr("::ffff:10.0.0.5")}, "byip", "10.0.0.5:22"},
		{"defaults", Settings{}, Machine{IP: netip.MustParseAddr("fd00::1")}, "root", "[fd00::1]:22"},
	} {
		got, err := resolve(t, sample, c.settings, c.machine)
		if err != nil || got.user != c.user || got.addr() != c.addr {
			t.Errorf("%s: got %+v, %v", c.name, got, err)
		}
	}
}

func TestResolveTrust(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	t.Setenv("SSH_AUTH_SOCK", "/agent")
	ip := netip.MustParseAddr("10.0.0.5")
	db, err := resolve(t, sample, Settings{Agent: true}, Machine{Name: "db1", IP: ip})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(db.keys.files, []string{"/home/me/.ssh/dbadmin-key", "/keys/10.0.0.5"}) || db.keys.required {
		t.Errorf("keys %+v", db.keys)
	}
	if !strings.HasPrefix(db.keys.agent, "/run/agent-of-") {
		t.Errorf("agent %q", db.keys.agent)
	}
	if !slices.Equal(db.keyNames, []string{"databases:22"}) || db.acceptNew {
		t.Errorf("names %q, accept %t", db.keyNames, db.acceptNew)
	}
	if !slices.Equal(db.known, []string{"/known/a", "/known/b"}) {
		t.Errorf("known %q", db.known)
	}
	web, err := resolve(t, sample, Settings{Agent: true, KnownHosts: []string{"~/k"}, Keys: []string{"~/id"}}, Machine{Name: "web", IP: ip})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(web.keys.files, []string{"/home/me/id"}) || !web.keys.required || web.keys.agent != "/agent" {
		t.Errorf("keys %+v", web.keys)
	}
	if !slices.Equal(web.keyNames, []string{"10.0.0.5:22", "web:22"}) || !slices.Equal(web.known, []string{"/home/me/k"}) {
		t.Errorf("names %q, known %q", web.keyNames, web.known)
	}
}

func TestResolveBastions(t *testing.T) {
	ip := netip.MustParseAddr("10.0.0.5")
	chain := func(s Settings, name string) string {
		got, err := resolve(t, sample, s, Machine{Name: name, IP: ip})
		if err != nil {
			return err.Error()
		}
		var hops []string
		for h := got.via; h != nil; h = h.via {
			hops = append(hops, h.user+"@"+h.addr())
		}
		return strings.Join(hops, " ")
	}
	for _, c := range []struct {
		settings Settings
		name     string
		want     string
	}{
		{Settings{}, "web", ""},
		{Settings{}, "db1", "root@jump:2022 root@outer:22"},
		{Settings{User: "me", Port: 99}, "db1", "me@jump:2022 me@outer:22"},
		{Settings{Bastion: "none"}, "db1", ""},
		{Settings{Bastion: "you@a:1,b"}, "db1", "root@b:22 you@a:1"},
		{Settings{Bastion: "loop"}, "db1", "cannot go through bastion loop: more than 8 in a row"},
		{Settings{Bastion: "a b"}, "db1", `cannot read bastion "a b": the host holds a character that cannot be`},
	} {
		if got := chain(c.settings, c.name); got != c.want {
			t.Errorf("%+v %s: got %q, want %q", c.settings, c.name, got, c.want)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	if _, err := resolve(t, "", Settings{}, Machine{}); err == nil {
		t.Error("a machine without ip and name was resolved")
	}
	if _, err := resolve(t, "Host x\nPort 0\n", Settings{}, Machine{Name: "x"}); err == nil {
		t.Error("port 0 was taken")
	}
	c := configs{parsed: map[string]*sshConfig{}}
	if _, err := c.load("/nonexistent"); err == nil {
		t.Error("a missing ssh_config was taken")
	}
}

func TestConnectionsAreSharedOnlyWhereAllIsAlike(t *testing.T) {
	ip := netip.MustParseAddr("10.0.0.5")
	key := func(s Settings, m Machine) string {
		got, err := resolve(t, "", s, m)
		if err != nil {
			t.Fatal(err)
		}
		return got.key()
	}
	base := key(Settings{}, Machine{IP: ip})
	if base != key(Settings{Timeout: 1}, Machine{IP: ip, User: "root", Port: 22}) {
		t.Error("the same login has two keys")
	}
	for _, s := range []Settings{
		{User: "x"}, {Port: 1}, {Keys: []string{"x"}}, {KnownHosts: []string{"x"}}, {AcceptNew: true}, {Bastion: "x"},
	} {
		if base == key(s, Machine{IP: ip}) {
			t.Errorf("%+v shares a connection with the defaults", s)
		}
	}
}
