package ledger_test

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"testing"

	"github.com/clmgr/clmgr/internal/children"
	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/store"
)

// A child queues: its arguments are the shared folder, the state directory, a prefix
// for groups, and how many; 0 for no end.
func TestMain(m *testing.M) {
	children.Main(m, map[string]func(args []string) error{
		"queue": func(args []string) error { return queueUp(args[0], args[1], args[2], args[3]) },
	})
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
	return children.Command(t, "queue", shared, state, prefix, strconv.Itoa(times))
}
