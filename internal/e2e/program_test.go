package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// answer is what a run of clmgr came to.
type answer struct {
	code           int
	stdout, stderr string
	took           time.Duration
	peak           int64 // the largest resident size, in KiB
}

// process is a clmgr that runs.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	begun          time.Time
	ended          chan struct{}
	took           time.Duration // valid once it has ended, as is err
	err            error
	stdout, stderr buffer
}

// buffer is a bytes.Buffer that may be read while a process writes to it.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

const (
	// longest is how long a run of clmgr may take that is no daemon.
	longest = 5 * time.Minute
	// atLast is how long a busy machine may take to what takes a moment.
	atLast = 3 * time.Minute
	// glance lies between two looks whether something is so: a machine that is looked at all
	// the time comes to nothing else.
	glance = 50 * time.Millisecond
)

// start runs clmgr with an environment of its own: nothing of the user's home or
// agent plays a part. It is killed with the test at the latest.
func start(t *testing.T, stdin io.Reader, args ...string) *process {
	t.Helper()
	return startFor(t, longest, stdin, args...)
}

// startFor runs clmgr for as long as limit.
func startFor(t *testing.T, limit time.Duration, stdin io.Reader, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	p := &process{t: t, cmd: exec.CommandContext(ctx, program(), args...), begun: time.Now(), ended: make(chan struct{})}
	p.cmd.Dir = t.TempDir()
	p.cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + p.cmd.Dir,
		// Without this a race-detecting program sleeps for a second before it exits.
		"GORACE=atexit_sleep_ms=0",
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, &p.stdout, &p.stderr
	p.cmd.WaitDelay = time.Second
	must(t, p.cmd.Start())
	go func() {
		p.err = p.cmd.Wait()
		p.took = time.Since(p.begun)
		close(p.ended)
	}()
	return p
}

// wait returns the answer. A data race or a panic in the program is a failure of
// every test; being killed is code -1.
func (p *process) wait() answer {
	p.t.Helper()
	<-p.ended
	var exit *exec.ExitError
	if p.err != nil && !errors.As(p.err, &exit) {
		p.t.Fatalf("%v: %v", p.cmd.Args[1:], p.err)
	}
	a := answer{
		code: p.cmd.ProcessState.ExitCode(), stdout: p.stdout.String(), stderr: p.stderr.String(),
		took: p.took, peak: p.cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss,
	}
	for _, sign := range []string{"DATA RACE", "panic:", "goroutine 1 ["} {
		if strings.Contains(a.stderr, sign) {
			p.t.Fatalf("%v: %s", p.cmd.Args[1:], a.stderr)
		}
	}
	return a
}

// clmgr runs the program to its end.
func clmgr(t *testing.T, stdin string, args ...string) answer {
	t.Helper()
	return start(t, strings.NewReader(stdin), args...).wait()
}

// want checks the exit code and that words are in what was said on standard error.
func (a answer) want(t *testing.T, code int, words ...string) answer {
	t.Helper()
	if a.code != code {
		t.Fatalf("exit code %d, want %d\n%s\n%s", a.code, code, gist(a.stdout), a.stderr)
	}
	for _, w := range words {
		if !strings.Contains(a.stderr, w) {
			t.Errorf("%q is not said:\n%s", w, a.stderr)
		}
	}
	return a
}

// must ends the test where err is one.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually asks until yes, 20 s at most.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	end := time.Now().Add(atLast)
	for !yes() {
		if time.Now().After(end) {
			t.Fatalf("never seen: %s", what)
		}
		time.Sleep(glance)
	}
}

// tool runs a command of this host.
func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}
