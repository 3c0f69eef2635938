package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/porttest"
)

// systemd is what a daemon tells it.
type systemd struct{ said chan string }

// listenAsSystemd takes the place of systemd for this process.
func listenAsSystemd(t *testing.T) systemd {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	s := systemd{make(chan string, 10_000)}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			s.said <- string(buf[:n])
		}
	}()
	return s
}

// hears waits until it was told something.
func (s systemd) hears(t *testing.T, what string) {
	t.Helper()
	end := time.After(20 * time.Second)
	for {
		select {
		case said := <-s.said:
			if strings.Contains(said, what) {
				return
			}
		case <-end:
			t.Fatalf("systemd was never told %q", what)
		}
	}
}

// scene is a daemon of counted loops.
type scene struct {
	reload chan os.Signal
	ready  chan struct{}
	over   chan error
	cancel context.CancelFunc
	addr   string

	running, most, turns, closed, loads atomic.Int64
	bad                                 atomic.Bool
}

func runScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{reload: make(chan os.Signal, 1), ready: make(chan struct{}), over: make(chan error, 1), addr: porttest.Free(t)}
	ctx, cancel := context.WithCancel(t.Context())
	s.cancel = cancel
	go func() {
		s.over <- Run(ctx, Options{Load: s.load, Reload: s.reload, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	}()
	return s
}

func (s *scene) load(context.Context) (*Set, error) {
	s.loads.Add(1)
	if s.bad.Load() {
		return nil, errors.New("a bad configuration")
	}
	set := &Set{
		Listen: s.addr, Ready: s.ready, Drain: 10 * time.Second,
		Status: func() string { return fmt.Sprintf("%d turns", s.turns.Load()) },
		Close:  func() error { s.closed.Add(1); return nil },
	}
	for n := range 3 {
		set.Loops = append(set.Loops, Loop{Name: fmt.Sprintf("loop%d", n), Run: func(ctx context.Context, beat func()) error {
			if n == 0 {
				s.most.Store(max(s.most.Load(), s.running.Add(1)))
				defer s.running.Add(-1)
			}
			for Rest(ctx, beat, time.Millisecond) {
				s.turns.Add(1)
			}
			return nil
		}})
	}
	return set, nil
}

func TestWhatSystemdIsTold(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "200000")
	t.Setenv("WATCHDOG_PID", fmt.Sprint(os.Getpid()))
	told, s := listenAsSystemd(t), runScene(t)
	told.hears(t, "WATCHDOG=1")
	if code := s.health(t); code != http.StatusServiceUnavailable {
		t.Errorf("healthz says %d before it is ready", code)
	}
	close(s.ready)
	told.hears(t, "READY=1\nSTATUS=")
	if code := s.health(t); code != http.StatusOK {
		t.Errorf("healthz says %d", code)
	}
	s.reload <- syscall.SIGHUP
	told.hears(t, "RELOADING=1\nMONOTONIC_USEC=")
	told.hears(t, "READY=1")
	s.bad.Store(true)
	s.reload <- syscall.SIGHUP
	told.hears(t, "RELOADING=1")
	told.hears(t, "was not taken")
	told.hears(t, "READY=1")
	told.hears(t, "WATCHDOG=1")
	s.cancel()
	told.hears(t, "STOPPING=1")
	if err := <-s.over; err != nil {
		t.Error(err)
	}
}

func (s *scene) health(t *testing.T) int {
	t.Helper()
	r, err := http.Get("http://" + s.addr + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if _, err := io.ReadAll(r.Body); err != nil {
		t.Error(err)
	}
	return r.StatusCode
}

// A second of reloads as fast as they go, every third one bad: no loop is ever there twice,
// none is missing in the end, and all that is not used any more is closed.
func TestReloadsInARow(t *testing.T) {
	s := runScene(t)
	close(s.ready)
	for s.turns.Load() == 0 { // the first one must be good
		time.Sleep(time.Millisecond)
	}
	end := time.Now().Add(time.Second)
	for time.Now().Before(end) {
		s.bad.Store(rand.IntN(3) == 0)
		s.reload <- syscall.SIGHUP
	}
	s.bad.Store(false)
	turns := s.turns.Load()
	for s.turns.Load() < turns+10 {
		time.Sleep(time.Millisecond)
	}
	s.cancel()
	if err := <-s.over; err != nil {
		t.Error(err)
	}
	if s.most.Load() != 1 || s.running.Load() != 0 {
		t.Errorf("%d at once, %d left", s.most.Load(), s.running.Load())
	}
	if s.loads.Load() < 20 {
		t.Errorf("only %d loads", s.loads.Load())
	}
}

func TestAHungLoopIsTold(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "200000")
	t.Setenv("WATCHDOG_PID", fmt.Sprint(os.Getpid()))
	told := listenAsSystemd(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hang := make(chan struct{})
	go Run(ctx, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Load: func(context.Context) (*Set, error) { //nolint:errcheck // it hangs
		return &Set{Status: func() string { return "" }, Loops: []Loop{{Name: "stuck", Run: func(_ context.Context, beat func()) error {
			beat()
			<-hang
			return nil
		}}}}, nil
	}})
	told.hears(t, "STATUS=the loop stuck hangs for")
	told.hears(t, "WATCHDOG=trigger")
	close(hang)
}

func TestUnitFile(t *testing.T) {
	t.Parallel()
	u := UnitFor(10*time.Second, 30*time.Second)
	u.Program, u.Config, u.Writes = "/usr/bin/clmgr", "/etc/clmgr.yaml", []string{"/var/lib/clmgr"}
	text, err := u.File()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		UnitMark + "\n", "\nType=notify\n", "\nStartLimitIntervalSec=0\n", "\nWatchdogSec=60\n", "\nRestartSec=2\n",
		"\nExecStart=/usr/bin/clmgr --config /etc/clmgr.yaml daemon\n", "\nReadWritePaths=-/var/lib/clmgr\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	u.Config = "/etc/my files/$x.yaml"
	if _, err := u.File(); err == nil || !strings.Contains(err.Error(), u.Config) {
		t.Errorf("a path that systemd would misread: %v", err)
	}
}
