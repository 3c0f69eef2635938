package remote_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/remotetest"
)

func TestRunTellsWhatACommandLeft(t *testing.T) {
	_, _, h := start(t)
	out, err := h.Run(context.Background(), "cat; echo trouble >&2; exit 7", strings.NewReader("in"))
	if err != nil {
		t.Fatal(err)
	}
	if string(out.Stdout) != "in" || string(out.Stderr) != "trouble\n" || out.Exit != 7 {
		t.Fatalf("got %q %q %d", out.Stdout, out.Stderr, out.Exit)
	}
}

func TestRunStreamsInputAndOutput(t *testing.T) {
	_, _, h := start(t)
	in := bytes.Repeat([]byte("0123456789abcde\n"), 5<<16)
	out, err := h.Run(context.Background(), "cat", bytes.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Stdout, in) {
		t.Fatalf("%d bytes came back of %d", len(out.Stdout), len(in))
	}
	// A command that does not want its input is no error.
	if out, err = h.Run(context.Background(), "exit 3", bytes.NewReader(in)); err != nil || out.Exit != 3 {
		t.Fatalf("exit %d, %v", out.Exit, err)
	}
}

func TestRunReportsInputThatCannotBeRead(t *testing.T) {
	_, _, h := start(t)
	broken := errors.New("broken")
	_, err := h.Run(context.Background(), "cat", io.MultiReader(strings.NewReader("x"), failingReader{broken}))
	if !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

func TestRunLimitsOutput(t *testing.T) {
	_, srv, h := start(t)
	out, err := h.Run(context.Background(), "yes", nil)
	if err == nil || !strings.Contains(err.Error(), "16 MiB") {
		t.Fatalf("got %v", err)
	}
	if len(out.Stdout) != remote.MaxOutput {
		t.Fatalf("%d bytes", len(out.Stdout))
	}
	mustCheck(t, h)
	if srv.Logins() != 1 {
		t.Error("the connection was given up")
	}
}

func TestRunReportsASignal(t *testing.T) {
	_, _, h := start(t)
	_, err := h.Run(context.Background(), "kill -KILL $$", nil)
	if err == nil || !strings.Contains(err.Error(), "signal KILL") {
		t.Fatalf("got %v", err)
	}
	var e *remote.Error
	if errors.As(err, &e) {
		t.Fatalf("%v: the machine was reached", err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	_, srv, h := start(t)
	mustCheck(t, h)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	marker := filepath.Join(t.TempDir(), "running")
	go func() {
		remotetest.Eventually(t, "the command runs", func() bool {
			_, err := os.Stat(marker)
			return err == nil
		})
		time.Sleep(brief) // for what it has printed to be on its way
		cancel()
	}()
	within(t, 20*time.Second, func() {
		out, err := h.Run(ctx, "echo begun; touch "+marker+"; exec sleep 1000", nil)
		if !errors.Is(err, context.Canceled) || string(out.Stdout) != "begun\n" {
			t.Errorf("got %q, %v", out.Stdout, err)
		}
	})
	mustCheck(t, h)
	if srv.Logins() != 1 {
		t.Error("a machine that answers was given up")
	}
}

func TestRunOnAMachineThatFreezes(t *testing.T) {
	site, srv, _ := start(t)
	s := settingsOf(site)
	s.Timeout = time.Second
	h := newPool(t, remote.Options{}).Host(s, machineOf(srv))
	mustCheck(t, h)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	within(t, 20*time.Second, func() {
		_, err := runAndSignal(ctx, t, h, srv, syscall.SIGSTOP)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
	mustCheck(t, h)
	if srv.Logins() != 2 {
		t.Error("the frozen connection is still in use")
	}
}

// runAndSignal runs a command that never ends and signals what serves it once it
// runs.
func runAndSignal(ctx context.Context, t *testing.T, h *remote.Host, srv *remotetest.Server, signal syscall.Signal) (remote.Output, error) {
	marker := filepath.Join(t.TempDir(), "running")
	var signalled sync.WaitGroup
	defer signalled.Wait()
	signalled.Go(func() {
		remotetest.Eventually(t, "the command runs", func() bool {
			_, err := os.Stat(marker)
			return err == nil
		})
		srv.SignalConnections(t, signal)
	})
	return h.Run(ctx, "touch "+marker+"; sleep 1000", nil)
}

func TestRunWithoutDeadlineEndsWithItsMachine(t *testing.T) {
	site, srv, _ := start(t)
	p := newPool(t, remote.Options{KeepAlive: 300 * time.Millisecond})
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		h := p.Host(settingsOf(site), machineOf(srv))
		within(t, 10*time.Second, func() {
			_, err := runAndSignal(context.Background(), t, h, srv, signal)
			wantStage(t, err, remote.StageLost)
		})
	}
}

func TestMoreCommandsThanSessionsQueue(t *testing.T) {
	for _, allowed := range []int{2, 10} {
		t.Run(fmt.Sprint(allowed), func(t *testing.T) {
			_, srv, h := start(t, fmt.Sprintf("MaxSessions %d", allowed))
			var all sync.WaitGroup
			for i := range 16 {
				all.Go(func() {
					out, err := h.Run(context.Background(), fmt.Sprintf("sleep 0.1; echo %d", i), nil)
					if err != nil || string(out.Stdout) != fmt.Sprintf("%d\n", i) {
						t.Errorf("%d: %q, %v", i, out.Stdout, err)
					}
				})
			}
			all.Wait()
			if srv.Logins() != 1 {
				t.Errorf("%d logins, want 1", srv.Logins())
			}
		})
	}
}

func TestServerThatOpensNoSession(t *testing.T) {
	_, _, h := start(t, "MaxSessions 0")
	wantStage(t, h.Check(context.Background()), remote.StageSession)
}
