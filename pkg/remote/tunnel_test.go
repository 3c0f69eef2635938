package remote_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/remotetest"
)

func echo(c net.Conn) {
	_, _ = io.Copy(c, c)
	c.Close()
}

func mustDial(t testing.TB, h *remote.Host, addr net.Addr) net.Conn {
	t.Helper()
	c, err := h.Dial(context.Background(), "tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func roundTrip(t testing.TB, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestDialThroughTheMachine(t *testing.T) {
	_, srv, h := start(t)
	addr := listen(t, echo)
	c := mustDial(t, h, addr)
	roundTrip(t, c, "hello")
	roundTrip(t, c, strings.Repeat("x", 100000))
	if c.RemoteAddr().String() != addr.String() {
		t.Errorf("remote address %s", c.RemoteAddr())
	}
	if srv.Logins() != 1 {
		t.Errorf("%d logins", srv.Logins())
	}
}

func TestDialledConnectionKeepsDeadlines(t *testing.T) {
	_, _, h := start(t)
	c := mustDial(t, h, listen(t, echo))
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	_ = c.SetReadDeadline(time.Time{})
	roundTrip(t, c, "still here")
	stuck := mustDial(t, h, listen(t, func(net.Conn) {}))
	_ = stuck.SetWriteDeadline(time.Now().Add(time.Second))
	if _, err := io.Copy(stuck, endless{}); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestDialTellsWhoRefuses(t *testing.T) {
	closed := remotetest.FreeAddr(t, "127.0.0.1").String()
	_, _, open := start(t)
	_, _, strict := start(t, "AllowTcpForwarding no")
	for _, c := range []struct {
		name    string
		host    *remote.Host
		text    string
		refused bool
	}{
		{"the far end", open, "Connection refused", true},
		{"the server", strict, "does not allow forwarding", false},
	} {
		_, err := c.host.Dial(context.Background(), "tcp", closed)
		if err == nil || !strings.Contains(err.Error(), c.text) || errors.Is(err, syscall.ECONNREFUSED) != c.refused {
			t.Errorf("%s: got %v", c.name, err)
		}
		var e *remote.Error
		if errors.As(err, &e) {
			t.Errorf("%s: %v: the machine was reached", c.name, err)
		}
	}
}

func TestDialEndsWithItsMachine(t *testing.T) {
	site, srv, _ := start(t)
	s := settingsOf(site)
	s.Timeout = time.Second
	h := newPool(t, remote.Options{KeepAlive: 300 * time.Millisecond}).Host(s, machineOf(srv))
	c := mustDial(t, h, listen(t, echo))
	roundTrip(t, c, "hello")
	srv.SignalConnections(t, syscall.SIGSTOP)
	within(t, 5*time.Second, func() {
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("read from a frozen machine")
		}
	})
	srv.Freeze(t)
	within(t, 5*time.Second, func() {
		_, err := h.Dial(context.Background(), "tcp", "127.0.0.1:1")
		wantStage(t, err, remote.StageBanner)
	})
}

func TestDialEndsWithItsContext(t *testing.T) {
	_, srv, h := start(t)
	mustCheck(t, h)
	srv.SignalConnections(t, syscall.SIGSTOP)
	ctx, cancel := context.WithTimeout(context.Background(), brief)
	defer cancel()
	within(t, 5*time.Second, func() {
		if _, err := h.Dial(ctx, "tcp", "127.0.0.1:1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}
