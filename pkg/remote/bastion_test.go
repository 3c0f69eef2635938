package remote_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/remotetest"
)

func through(s *remote.Settings, bastions ...*remotetest.Server) *remote.Settings {
	var list []string
	for _, b := range bastions {
		list = append(list, b.Addr.String())
	}
	c := *s
	c.Bastion = strings.Join(list, ",")
	return &c
}

func TestBastionIsSharedByTheMachinesBehindIt(t *testing.T) {
	site, gw, _ := start(t)
	s := through(settingsOf(site), gw)
	p := newPool(t, remote.Options{})
	var all sync.WaitGroup
	for i := range 5 {
		srv := site.Start(t, fmt.Sprintf("127.0.2.%d", i+1))
		all.Go(func() {
			if err := p.Host(s, machineOf(srv)).Check(context.Background()); err != nil {
				t.Error(err)
			}
			if !strings.Contains(srv.Log(), "from 127.0.0.1") && srv.Logins() != 1 {
				t.Error("not logged in once")
			}
		})
	}
	all.Wait()
	if n := gw.Logins(); n != 1 {
		t.Fatalf("%d logins at the bastion, want 1", n)
	}
}

func TestDeadConnectionToTheBastionIsMadeAnew(t *testing.T) {
	site, gw, _ := start(t)
	s := through(settingsOf(site), gw)
	s.Timeout = 3 * time.Second
	p := newPool(t, remote.Options{})
	mustCheck(t, p.Host(s, machineOf(site.Start(t, "127.0.2.1"))))
	for i, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		h := p.Host(s, machineOf(site.Start(t, fmt.Sprintf("127.0.2.%d", i+2))))
		gw.SignalConnections(t, signal)
		mustCheck(t, h)
	}
	if n := gw.Logins(); n != 3 {
		t.Fatalf("%d logins at the bastion, want 3", n)
	}
}

func TestChainOfBastions(t *testing.T) {
	site, srv, _ := start(t)
	outer, inner := site.Start(t, "127.0.2.1"), site.Start(t, "127.0.2.2")
	h := newPool(t, remote.Options{}).Host(through(settingsOf(site), outer, inner), machineOf(srv))
	if got := mustRun(t, h, "echo $SSH_CONNECTION"); got == "" {
		t.Fatal("no output")
	}
	if outer.Logins() != 1 || inner.Logins() != 1 || srv.Logins() != 1 {
		t.Fatalf("logins %d, %d, %d, want 1 each", outer.Logins(), inner.Logins(), srv.Logins())
	}
}

// Whatever is wrong with a bastion: nothing is known about the machine behind it.
func TestBastionsTroubleIsItsOwn(t *testing.T) {
	site, srv, _ := start(t)
	gw := site.Start(t, "127.0.2.1")
	closed := remotetest.FreeAddr(t, "127.0.0.1").String()
	mute := listen(t, func(net.Conn) {}).String()
	wrongKey := filepath.Join(t.TempDir(), "wrong")
	remotetest.WriteKey(t, wrongKey)
	for _, c := range []struct {
		name, bastion, text string
		change              func(*remote.Settings)
	}{
		{"refused", closed, "refused", nil},
		{"mute", mute, "said nothing", func(s *remote.Settings) { s.Timeout = brief }},
		{"unknown key", gw.Addr.String(), "host key is not known", func(s *remote.Settings) {
			s.KnownHosts = trusting(t, site, srv.KnownLine()).KnownHosts
		}},
		{"no login", gw.Addr.String(), "does not accept", func(s *remote.Settings) { s.Keys = []string{wrongKey} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := settingsOf(site)
			s.Bastion = c.bastion
			if c.change != nil {
				c.change(s)
			}
			err := check(t, s, srv)
			wantStage(t, err, remote.StageRoute)
			for _, want := range []string{"cannot reach node (" + srv.Addr.String() + ")", "through bastion " + c.bastion, c.text} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not hold %q", err, want)
				}
			}
		})
	}
}

func TestMachineBehindABastionIsToldApart(t *testing.T) {
	site, srv, _ := start(t)
	gw := site.Start(t, "127.0.2.1")
	closed := remotetest.FreeAddr(t, "127.0.0.1")
	mute := listen(t, func(net.Conn) {})
	strict := site.Start(t, "127.0.2.2", "AllowTcpForwarding no")
	s := settingsOf(site)
	s.Timeout = 2 * time.Second
	for _, c := range []struct {
		name    string
		via     *remotetest.Server
		machine remote.Machine
		want    remote.Stage
		text    string
	}{
		{"refused", gw, remote.Machine{IP: closed.Addr(), Port: closed.Port()}, remote.StageRefused, "Connection refused"},
		{"mute", gw, machineAt(mute), remote.StageBanner, "said nothing"},
		{"forwarding forbidden", strict, machineOf(srv), remote.StageRoute, "does not allow forwarding"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := newPool(t, remote.Options{}).Host(through(s, c.via), c.machine).Check(context.Background())
			wantStage(t, err, c.want)
			if !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %q, want %q", err, c.text)
			}
		})
	}
}

func TestBastionFromSSHConfig(t *testing.T) {
	site, srv, _ := start(t)
	gw := site.Start(t, "127.0.2.1")
	file := filepath.Join(t.TempDir(), "config")
	remotetest.Write(t, file, fmt.Sprintf(`
Host node
  ProxyJump gateway
  StrictHostKeyChecking no
Host gateway
  HostName %s
  Port %d
  User %s
Host *
  IdentityFile %s
  UserKnownHostsFile %s
`, gw.Addr.Addr(), gw.Addr.Port(), site.User, site.Key, site.KnownHosts))
	s := &remote.Settings{User: site.User, ConfigFile: file, Timeout: patience}
	if err := check(t, s, srv); err != nil {
		t.Fatal(err)
	}
	if gw.Logins() != 1 {
		t.Fatalf("%d logins at the bastion, want 1", gw.Logins())
	}
	remotetest.Write(t, site.KnownHosts, gw.KnownLine())
	wantStage(t, check(t, s, srv), remote.StageHostKey)
}
