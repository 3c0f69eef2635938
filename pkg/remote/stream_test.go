package remote_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/remote"
)

func TestStreamGivesOutputAsItComes(t *testing.T) {
	_, srv, h := start(t)
	out, in := io.Pipe()
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { ended <- h.Stream(ctx, "echo one; read line; echo \"end of input: $?\"; sleep 1000", in) }()
	buf := make([]byte, 100)
	for _, want := range []string{"one\n", "end of input: 1\n"} {
		n, err := io.ReadFull(out, buf[:len(want)])
		if err != nil || string(buf[:n]) != want {
			t.Fatalf("got %q, %v", buf[:n], err)
		}
	}
	began := time.Now()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) || time.Since(began) > time.Second {
		t.Errorf("it ended after %v with %v", time.Since(began), err)
	}
	mustCheck(t, h)
	if srv.Logins() != 1 {
		t.Error("the connection was given up")
	}
}

func TestStreamHasNoBound(t *testing.T) {
	_, _, h := start(t)
	var n counter
	if err := h.Stream(t.Context(), "head -c 20000000 /dev/zero", &n); err != nil || n != 20_000_000 {
		t.Errorf("%d bytes came, %v", n, err)
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

func TestStreamTellsHowItEnded(t *testing.T) {
	_, srv, h := start(t)
	for command, want := range map[string]string{
		"echo first >&2; echo no journal >&2; exit 3": "exit status 3: no journal",
		"kill -KILL $$": "killed by signal KILL",
	} {
		if err := h.Stream(t.Context(), command, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", command, err)
		}
	}
	if err := h.Stream(t.Context(), "yes", failingWriter{}); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("got %v", err)
	}
	var out bytes.Buffer
	if err := h.Stream(t.Context(), "echo over", &out); err != nil || out.String() != "over\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
	out2, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- h.Stream(t.Context(), "echo on; sleep 1000", in) }()
	if _, err := io.ReadFull(out2, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	srv.SignalConnections(t, syscall.SIGKILL)
	wantStage(t, <-ended, remote.StageLost)
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("full") }
