package ledger_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/store"
)

// childVariable tells, in the environment, that the test binary is to queue
// instead of running its tests: os.Args are the shared folder, the state
// directory, a prefix for groups, and how many; 0 for no end.
const childVariable = "CLMGR_LEDGER_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	if err := queueUp(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}

// queueUp adds one action after the other and cancels every third. What has
// returned is printed: "added ID GROUP", "cancelled ID".
func queueUp(shared, state, prefix, times string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, "file:"+shared, store.Options{})
	if err != nil {
		return err
	}
	own, err := store.Open(ctx, "file:"+state, store.Options{})
	if err != nil {
		return err
	}
	most, err := strconv.Atoi(times)
	if err != nil {
		return err
	}
	l := ledger.New(ledger.Options{Shared: s, Own: own, Manager: prefix, Forgets: true, Limits: actions.Usual()})
	for n := 0; n < most || most == 0; n++ {
		group := fmt.Sprintf("%s-%d", prefix, n)
		got, err := l.Add(ctx, request(group))
		if err != nil || len(got.Added) != 1 {
			return fmt.Errorf("%+v: %w", got.Bad, err)
		}
		id := got.Added[0].ID
		fmt.Println("added", id, group)
		if n%3 == 0 {
			if err := l.Change(ctx, "cancel", cancelling(id)); err != nil {
				return err
			}
			fmt.Println("cancelled", id, group)
		}
	}
	return nil
}

// child is a process that queues.
func child(t testing.TB, shared, state, prefix string, times int) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], shared, state, prefix, strconv.Itoa(times))
	cmd.Env = append(os.Environ(), childVariable+"=1", "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	return cmd
}

// started starts a child and returns what it prints.
func started(t testing.TB, cmd *exec.Cmd) *bufio.Scanner {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return bufio.NewScanner(out)
}
