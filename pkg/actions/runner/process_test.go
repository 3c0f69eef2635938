package runner_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/children"
	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/actions/runner"
	"github.com/clmgr/clmgr/pkg/store"
)

// A child is a manager: its arguments are the URL of the shared store, the state
// directory, the manager's name, and the file to which every handler adds the name
// of its group.
func TestMain(m *testing.M) {
	children.Main(m, map[string]func(args []string) error{
		"manage": func(args []string) error { return manage(args[0], args[1], args[2], args[3]) },
	})
}

// manage runs once for every line that it reads, and answers with a line.
func manage(url, state, name, file string) error {
	ctx := context.Background()
	shared, err := store.Open(ctx, url, store.Options{SigningKey: []byte(signingKey)})
	if err != nil {
		return err
	}
	own, err := store.Open(ctx, "file:"+state, store.Options{})
	if err != nil {
		return err
	}
	ahead := time.Duration(0) // so that nobody waits for a real lease
	clock := func() actions.Instant {
		now := ledger.Boottime()
		now.Since += ahead
		return now
	}
	limits := actions.Usual()
	l := ledger.New(ledger.Options{Shared: shared, Own: own, Manager: name, Forgets: true, Limits: limits, Clock: clock})
	r := runner.New(runner.Options{
		Ledger: l, Manager: name, Limits: limits, Words: actions.UsualWords(), Width: 8, Grace: time.Second, Clock: clock,
		Handler: func(actions.Action) runner.Handler {
			return func(_ context.Context, a actions.Action) error { return appendLine(file, a.Do.Group) }
		},
	})
	for range 2 {
		if _, err := l.Look(ctx); err != nil {
			return err
		}
		ahead = limits.Lease
	}
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		told, err := r.Run(ctx, runner.Input{})
		if err != nil {
			return err
		}
		fmt.Println("did", len(told))
	}
	return lines.Err()
}

func appendLine(path, line string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, line)
	return errors.Join(err, f.Close())
}

// process is a manager in a process of its own.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startProcess(t testing.TB, args ...string) *process {
	t.Helper()
	cmd := children.Command(t, "manage", args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	return &process{cmd, in, children.Start(t, cmd)}
}

// says reads a line, which must begin with want.
func (p *process) says(t testing.TB, want string) {
	t.Helper()
	if !p.out.Scan() || !strings.HasPrefix(p.out.Text(), want) {
		t.Fatalf("the process says %q (%v), want %q", p.out.Text(), p.out.Err(), want)
	}
}

// Two processes run at the same instant, again and again: each due action is
// done once.
func TestTwoProcessesAtOnce(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"file", "memcached"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := "file:" + t.TempDir()
			if name == "memcached" {
				url = "memcached://" + startMemcached(t).Address
			}
			file := filepath.Join(t.TempDir(), "done")
			own := openStore(t, "file:"+filepath.Join(t.TempDir(), "state"))
			asker := ledger.New(ledger.Options{Shared: openStore(t, url), Own: own, Manager: "asker", Forgets: true, Limits: actions.Usual()})
			var groups []string
			ask := func(round int) {
				r := actions.Request{Words: actions.UsualWords()}
				for n := range 5 {
					groups = append(groups, fmt.Sprintf("n%d-%d", round, n))
					r.Drafts = append(r.Drafts, draft(groups[len(groups)-1]))
				}
				if got, err := asker.Add(t.Context(), r); err != nil || len(got.Added) != 5 {
					t.Fatal(err, got.Bad)
				}
			}
			ask(0)
			var both []*process
			for _, m := range []string{"m1", "m2"} {
				both = append(both, startProcess(t, url, filepath.Join(t.TempDir(), m), m, file))
			}
			for _, p := range both {
				p.says(t, "ready")
			}
			for round := range 10 {
				for _, p := range both {
					fmt.Fprintln(p.in, "go")
				}
				for _, p := range both {
					p.says(t, "did")
				}
				if round < 9 {
					ask(round + 1)
				}
			}
			times := map[string]int{}
			done, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(done)) {
				times[strings.TrimSpace(line)]++
			}
			for _, g := range groups {
				if times[g] != 1 {
					t.Errorf("%s was done %d times", g, times[g])
				}
			}
			for _, p := range both {
				p.in.Close()
				if p.out.Scan() {
					t.Error(p.out.Text())
				}
			}
		})
	}
}
