package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
)

func (m *manager) state1(t testing.TB, id actions.ID) actions.State {
	t.Helper()
	q, err := m.Own(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a, ok := q.Get(id)
	if !ok {
		t.Fatalf("%s is not in the own copy", id)
	}
	return a.State()
}

func cancelling(id actions.ID) func(ledger.View) error {
	return func(v ledger.View) error {
		_, err := v.Queue.Cancel(id, v.Now)
		return err
	}
}

func TestChangeThatFailsStoresNothing(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	m1, m2 := newManager(t, shared, "m1"), newManager(t, shared, "m2")
	x := m1.add(t, "n1")[0]
	m2.add(t, "n2")
	writes := m1.own.written() + m1.shared.written()
	stop := errors.New("no")
	err := m1.Change(t.Context(), "cancel", func(v ledger.View) error {
		return errors.Join(cancelling(x)(v), stop)
	})
	if !errors.Is(err, stop) || errors.As(err, new(*ledger.Unshared)) {
		t.Errorf("error %v, want that of f", err)
	}
	if n := m1.own.written() + m1.shared.written(); n != writes {
		t.Errorf("%d writes", n-writes)
	}
	m1.wantOwn(t, "n1")
	if got := m1.state1(t, x); got != actions.Waiting {
		t.Errorf("it is %s", got)
	}
}

func TestChangeIsInBothCopiesWhenItReturns(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	m1, m2 := newManager(t, shared, "m1"), newManager(t, shared, "m2")
	x := m1.add(t, "n1")[0]
	m2.add(t, "n2")
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // an interruption does not keep from recording
	if err := m1.Change(ctx, "cancel", cancelling(x)); err != nil {
		t.Fatal(err)
	}
	m1.wantOwn(t, "n1", "n2")
	if got := m1.state1(t, x); got != actions.Cancelled {
		t.Errorf("in the own copy it is %s", got)
	}
	if a, _ := m2.look(t).Queue.Get(x); a.State() != actions.Cancelled {
		t.Errorf("for m2 it is %s", a.State())
	}
	var refused *actions.Refused
	err := m1.Change(t.Context(), "retry", func(v ledger.View) error {
		return v.Queue.Change(x, func(a actions.Action) (actions.Progress, error) { return a.Progress.Retry(v.Now) })
	})
	if !errors.As(err, &refused) || refused.From != actions.Cancelled {
		t.Errorf("%v", err)
	}
}

func TestChangeWhoseAnswerGetsLost(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	m1, m2 := newManager(t, shared, "m1"), newManager(t, shared, "m2")
	x := m1.add(t, "n1")[0]
	m1.shared.set(func(s *tap) { s.loses = true })
	if u := wantUnshared(t, m1.Change(t.Context(), "cancel", cancelling(x))); !u.Unknown() {
		t.Errorf("%v is not unknown", u)
	}
	if got := m1.state1(t, x); got != actions.Waiting {
		t.Errorf("it is %s in the own copy, and nobody knows whether it is so", got)
	}
	m1.shared.set(func(s *tap) { s.loses, s.down = false, errDown })
	if u := wantUnshared(t, m1.Change(t.Context(), "cancel", cancelling(x))); u.Unknown() {
		t.Errorf("%v is unknown", u)
	}
	m1.shared.set(func(s *tap) { s.down = nil })
	m1.look(t)
	for _, m := range []*manager{m1, m2} {
		if a, _ := m.look(t).Queue.Get(x); a.State() != actions.Cancelled {
			t.Errorf("it is %s", a.State())
		}
	}
}

// What cannot be written to the own disk is an error, though it is shared: its
// caller must not act on it.
func TestChangeThatTheDiskDoesNotTake(t *testing.T) {
	t.Parallel()
	m := newManager(t, t.TempDir(), "m1")
	x := m.add(t, "n1")[0]
	m.shared.set(func(s *tap) { s.before = func() { m.own.set(func(s *tap) { s.down = os.ErrPermission }) } })
	err := m.Change(t.Context(), "claim", cancelling(x))
	if !errors.Is(err, os.ErrPermission) || errors.As(err, new(*ledger.Unshared)) {
		t.Errorf("%v", err)
	}
}

// What is kept on the disk alone reaches the others with the next look.
func TestKeep(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	m1, m2 := newManager(t, shared, "m1"), newManager(t, shared, "m2")
	x := m1.add(t, "n1")[0]
	claim := m1.take(t, x)
	m1.shared.set(func(s *tap) { s.down = errDown })
	err := m1.Keep(t.Context(), "ended", func(q *actions.Queue, now time.Time) {
		err := q.Change(x, func(a actions.Action) (actions.Progress, error) { return a.Progress.Finish(claim, now) })
		if err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := m1.state1(t, x); got != actions.Done {
		t.Errorf("it is %s in the own copy", got)
	}
	if a, _ := m2.look(t).Queue.Get(x); a.State() != actions.Running {
		t.Errorf("it is %s in the shared one", a.State())
	}
	m1.shared.set(func(s *tap) { s.down = nil })
	m1.look(t)
	if a, _ := m2.look(t).Queue.Get(x); a.State() != actions.Done {
		t.Errorf("it is %s after a look", a.State())
	}
}

// One Ledger, several goroutines and two Ledgers on one state directory.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	m := newManager(t, shared, "m1")
	same := managerAt(t, shared, m.state, "m1")
	other := newManager(t, shared, "m2")
	const each = 5
	var all sync.WaitGroup
	var mu sync.Mutex
	seen := map[actions.ID]string{}
	for n, who := range []*manager{m, m, m, same, same, other, other} {
		all.Go(func() {
			for i := range each {
				group := fmt.Sprintf("n%d-%d", n, i)
				got, err := who.Add(t.Context(), request(group))
				if err != nil || len(got.Added) != 1 {
					t.Error(err)
					return
				}
				id := got.Added[0].ID
				mu.Lock()
				if was, twice := seen[id]; twice {
					t.Errorf("%s is both %s and %s", id, was, group)
				}
				seen[id] = group
				mu.Unlock()
				if i%2 == 0 {
					if err := who.Change(t.Context(), "cancel", cancelling(id)); err != nil {
						t.Error(err)
					}
				}
				if _, err := who.Look(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for _, who := range []*manager{m, same, other} {
		q := who.look(t).Queue
		for id, group := range seen {
			if a, ok := q.Get(id); !ok || a.Do.Group != group {
				t.Errorf("%s, which is %s, is %q", id, group, a.Do.Group)
			}
		}
	}
}
