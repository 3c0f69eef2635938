package remote_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/remotetest"
)

// patience is the timeout of settings in tests that expect success: long, since
// the machine may be busy. brief is that of tests which wait for it.
const (
	patience = 20 * time.Second
	brief    = 600 * time.Millisecond
)

func newPool(t testing.TB, o remote.Options) *remote.Pool {
	t.Helper()
	p := remote.NewPool(o)
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// settingsOf log in at a site's servers.
func settingsOf(s *remotetest.Site) *remote.Settings {
	return &remote.Settings{
		User: s.User, Keys: []string{s.Key}, KnownHosts: []string{s.KnownHosts},
		Bastion: "none", Timeout: patience,
	}
}

func machineOf(srv *remotetest.Server) remote.Machine {
	return remote.Machine{Name: "node", IP: srv.Addr.Addr(), Port: srv.Addr.Port()}
}

// start returns a site, a server and the way to it.
func start(t testing.TB, lines ...string) (*remotetest.Site, *remotetest.Server, *remote.Host) {
	t.Helper()
	site := remotetest.New(t)
	srv := site.Start(t, "127.0.1.1", lines...)
	return site, srv, newPool(t, remote.Options{}).Host(settingsOf(site), machineOf(srv))
}

func mustCheck(t testing.TB, h *remote.Host) {
	t.Helper()
	if err := h.Check(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func mustRun(t testing.TB, h *remote.Host, command string) string {
	t.Helper()
	out, err := h.Run(context.Background(), command, nil)
	if err != nil {
		t.Fatal(err)
	}
	if out.Exit != 0 {
		t.Fatalf("%s: exit %d: %s", command, out.Exit, out.Stderr)
	}
	return string(out.Stdout)
}

// stageOf returns the stage of err and fails unless it has one.
func stageOf(t testing.TB, err error) remote.Stage {
	t.Helper()
	var e *remote.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a *remote.Error", err)
	}
	return e.Stage
}

func wantStage(t testing.TB, err error, want remote.Stage) {
	t.Helper()
	if got := stageOf(t, err); got != want {
		t.Fatalf("stage %s, want %s: %v", got, want, err)
	}
}

// listen serves every connection to a loopback port with f.
func listen(t testing.TB, f func(net.Conn)) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			go f(c)
		}
	}()
	return l.Addr()
}

func machineAt(addr net.Addr) remote.Machine {
	ap := addr.(*net.TCPAddr).AddrPort()
	return remote.Machine{Name: "node", IP: ap.Addr(), Port: ap.Port()}
}

// within fails the test if f takes longer than limit.
func within(t testing.TB, limit time.Duration, f func()) {
	t.Helper()
	began := time.Now()
	f()
	if took := time.Since(began); took > limit {
		t.Fatalf("took %s, want at most %s", took, limit)
	}
}
