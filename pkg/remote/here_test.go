package remote_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/porttest"
	"github.com/clmgr/clmgr/pkg/remote"
)

func TestCommandsHereAreLikeThoseElsewhere(t *testing.T) {
	t.Setenv("CLMGR_TEST_SECRET", "of this process")
	h := remote.ThisHost()
	if err := h.Check(t.Context()); err != nil {
		t.Error(err)
	}
	out, err := h.Run(t.Context(), `cat; echo "$CLMGR_TEST_SECRET$NOTIFY_SOCKET" >&2; exit 7`, strings.NewReader("in"))
	if err != nil || string(out.Stdout) != "in" || strings.TrimSpace(string(out.Stderr)) != "" || out.Exit != 7 {
		t.Errorf("%q %q %d %v", out.Stdout, out.Stderr, out.Exit, err)
	}
	if _, err := h.Run(t.Context(), "kill -9 $$", nil); err == nil || !strings.Contains(err.Error(), "killed by signal") {
		t.Errorf("of one that was killed: %v", err)
	}
	file := filepath.Join(t.TempDir(), "f")
	if err := h.Upload(t.Context(), file, 0o600, strings.NewReader("text")); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "text" {
		t.Errorf("%q %v", text, err)
	}
}

func TestStreamHere(t *testing.T) {
	t.Parallel()
	read, write := io.Pipe()
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		ended <- remote.ThisHost().Stream(ctx, "echo first; sleep 60", write)
		write.Close()
	}()
	if line, err := bufio.NewReader(read).ReadString('\n'); err != nil || line != "first\n" {
		t.Errorf("%q %v", line, err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	err := remote.ThisHost().Stream(t.Context(), "echo first >&2; echo the last >&2; exit 3", io.Discard)
	if err == nil || !strings.HasSuffix(err.Error(), "exit status 3: the last") {
		t.Error(err)
	}
}

func TestACommandHereEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := remote.ThisHost().Run(ctx, "echo begun; sleep 60 & wait", nil)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestDialHere(t *testing.T) {
	t.Parallel()
	h := remote.ThisHost()
	conn, err := h.Dial(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(porttest.Accepting(t, "127.0.0.1"))))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if _, err := h.Dial(t.Context(), "tcp", porttest.Refusing(t)); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("where nobody listens: %v", err)
	}
}
