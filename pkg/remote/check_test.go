package remote_test

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/remotetest"
)

func TestManyChecksShareOneLogin(t *testing.T) {
	_, srv, h := start(t)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if err := h.Check(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := srv.Logins(); n != 1 {
		t.Fatalf("%d logins for 50 checks, want 1", n)
	}
}

func TestClosedPoolRefuses(t *testing.T) {
	site, srv, _ := start(t)
	p := remote.NewPool(remote.Options{})
	h := p.Host(settingsOf(site), machineOf(srv))
	mustCheck(t, h)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	var e *remote.Error
	if err := h.Check(context.Background()); err == nil || errors.As(err, &e) {
		t.Fatalf("got %v, want an error that is not the machine's", err)
	}
	remotetest.Eventually(t, "the connection is closed", func() bool { return len(srv.Connections(t)) == 0 })
}

func TestNothingIsLeftAfterClose(t *testing.T) {
	site, srv, _ := start(t)
	s := settingsOf(site)
	mute := machineAt(listen(t, func(net.Conn) {}))
	echoes := listen(t, echo)
	before := runtime.NumGoroutine()
	p := remote.NewPool(remote.Options{})
	h := p.Host(s, machineOf(srv))
	mustCheck(t, h)
	mustRun(t, h, "true")
	roundTrip(t, mustDial(t, h, echoes), "hello")
	var waiting sync.WaitGroup
	for range 3 {
		waiting.Go(func() {
			if err := p.Host(s, mute).Check(context.Background()); err == nil {
				t.Error("a mute port is no machine")
			}
			if _, err := h.Run(context.Background(), "sleep 1000", nil); err == nil {
				t.Error("a command outlived its pool")
			}
		})
	}
	_ = p.Close()
	waiting.Wait()
	remotetest.Eventually(t, "all goroutines have ended", func() bool {
		return runtime.NumGoroutine() <= before+1 // the listener's for the echo connection
	})
}

func TestDeadPooledConnectionIsRedialed(t *testing.T) {
	_, srv, h := start(t)
	mustCheck(t, h)
	srv.SignalConnections(t, syscall.SIGKILL)
	mustCheck(t, h)
	if n := srv.Logins(); n != 2 {
		t.Fatalf("%d logins, want 2", n)
	}
	srv.SignalConnections(t, syscall.SIGKILL)
	if got := mustRun(t, h, "echo ok"); got != "ok\n" {
		t.Fatalf("got %q", got)
	}
}

func TestFrozenPooledConnectionIsReplacedInTime(t *testing.T) {
	site, srv, _ := start(t)
	s := settingsOf(site)
	s.Timeout = 3 * time.Second
	h := newPool(t, remote.Options{}).Host(s, machineOf(srv))
	mustCheck(t, h)
	srv.SignalConnections(t, syscall.SIGSTOP)
	within(t, s.Timeout, func() { mustCheck(t, h) })
}

func TestCheckOfAFrozenMachineEnds(t *testing.T) {
	site, srv, _ := start(t)
	s := settingsOf(site)
	s.Timeout = 3 * time.Second
	h := newPool(t, remote.Options{}).Host(s, machineOf(srv))
	mustCheck(t, h)
	srv.SignalConnections(t, syscall.SIGSTOP)
	srv.Freeze(t)
	within(t, s.Timeout+time.Second, func() {
		wantStage(t, h.Check(context.Background()), remote.StageBanner)
	})
}

// A machine that hangs at any point must not use up the logins of the others.
func TestHungMachinesHoldNobodyUp(t *testing.T) {
	site, srv, _ := start(t)
	mute := listen(t, func(net.Conn) {})
	stuck := listen(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "SSH-2.0-stuck\r\n")
		_, _ = io.Copy(io.Discard, c)
	})
	p := newPool(t, remote.Options{Width: 1})
	s := settingsOf(site)
	ctx, cancel := context.WithCancel(context.Background())
	var hung sync.WaitGroup
	for i := range 6 {
		addr := mute
		if i%2 == 0 {
			addr = stuck
		}
		m := machineAt(addr)
		m.User = string(rune('a' + i)) // each its own connection
		hung.Go(func() { _ = p.Host(s, m).Check(ctx) })
	}
	within(t, 10*time.Second, func() { mustCheck(t, p.Host(s, machineOf(srv))) })
	cancel()
	hung.Wait()
}

func TestInterruptedCheckIsNotTheMachinesFault(t *testing.T) {
	site := remotetest.New(t)
	greeted := make(chan struct{})
	addr := listen(t, func(net.Conn) { greeted <- struct{}{} })
	h := newPool(t, remote.Options{}).Host(settingsOf(site), machineAt(addr))
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-greeted; cancel() }()
	err := h.Check(ctx)
	var e *remote.Error
	if !errors.Is(err, context.Canceled) || errors.As(err, &e) {
		t.Fatalf("got %v, want a plain interruption", err)
	}
}

func TestOneWhoGivesUpDoesNotCancelTheOthers(t *testing.T) {
	site, srv, _ := start(t)
	p := newPool(t, remote.Options{})
	h := p.Host(settingsOf(site), machineOf(srv))
	var all sync.WaitGroup
	for i := range 10 {
		ctx, cancel := context.WithCancel(context.Background())
		all.Go(func() {
			defer cancel()
			if err := h.Check(ctx); err != nil && i != 0 {
				t.Error(err)
			}
		})
		if i == 0 {
			cancel()
		}
	}
	all.Wait()
}

func TestDeadlineOfTheCallerHolds(t *testing.T) {
	site := remotetest.New(t)
	addr := listen(t, func(net.Conn) {})
	h := newPool(t, remote.Options{}).Host(settingsOf(site), machineAt(addr))
	ctx, cancel := context.WithTimeout(context.Background(), brief)
	defer cancel()
	within(t, 5*time.Second, func() { wantStage(t, h.Check(ctx), remote.StageBanner) })
}
