package ledger_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
)

func TestLookWritesNothingBeforeAnythingIsQueued(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	m := newManager(t, shared, "m1")
	if v := m.look(t); v.Queue.Len() != 0 || v.Writer != "" || v.Now.IsZero() {
		t.Errorf("%+v", v)
	}
	if _, err := os.Stat(m.state); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state directory is there: %v", err)
	}
	if list, err := os.ReadDir(shared); len(list) != 0 || err != nil {
		t.Errorf("in the shared store there is %v (%v)", list, err)
	}
}

// A zone of its own and the reading of a monotonic clock must not make equal
// times unequal: then copies would never come to be equal.
func TestLookWritesNothingWhereCopiesAreEqual(t *testing.T) {
	t.Parallel()
	for _, forgets := range []bool{false, true} {
		shared := t.TempDir()
		options := func(o *ledger.Options) {
			o.Forgets = forgets
			zone := time.FixedZone("elsewhere", 3600)
			o.Now = func() time.Time { return time.Now().In(zone) }
		}
		m1, m2 := newManager(t, shared, "m1", options), newManager(t, shared, "m2", options)
		x := m1.add(t, "n1", "n2")[0]
		m1.take(t, x)
		for range 2 {
			m1.look(t)
			m2.look(t)
		}
		// The same disks, seen by processes that begin now.
		again := []*manager{m1, m2, managerAt(t, shared, m1.state, "m1", options), managerAt(t, shared, m2.state, "m2", options)}
		before := 0
		for _, m := range again {
			before += m.own.written() + m.shared.written()
		}
		for range 3 {
			for _, m := range again {
				wantGroups(t, "the look", m.look(t).Queue, "n1", "n2")
				if err := m.Change(t.Context(), "nothing", func(ledger.View) error { return nil }); err != nil {
					t.Fatal(err)
				}
			}
		}
		after := 0
		for _, m := range again {
			after += m.own.written() + m.shared.written()
		}
		// Each manager may confirm once what its disk holds since its first look.
		if after-before > 6 {
			t.Errorf("forgets %v: %d writes for nothing", forgets, after-before)
		}
		before = after
		for range 3 {
			for _, m := range again {
				m.look(t)
			}
		}
		after = 0
		for _, m := range again {
			after += m.own.written() + m.shared.written()
		}
		if after != before {
			t.Errorf("forgets %v: looks made %d writes", forgets, after-before)
		}
	}
}

func TestLookMergesBothWays(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	m1, m2 := newManager(t, shared, "m1"), newManager(t, shared, "m2")
	m1.shared.set(func(s *tap) { s.down = errDown })
	_, err := m1.Add(t.Context(), request("n1"))
	if u := wantUnshared(t, err); u.Unknown() || !errors.Is(err, errDown) {
		t.Errorf("%v, unknown %v", err, u.Unknown())
	}
	m2.add(t, "n2")
	v, err := m1.Look(t.Context())
	wantUnshared(t, err)
	wantGroups(t, "the look of one who is cut off", v.Queue, "n1")
	if v.Writer == "" {
		t.Error("no writer")
	}
	wantGroups(t, "the shared copy", m2.look(t).Queue, "n2")

	m1.shared.set(func(s *tap) { s.down = nil })
	wantGroups(t, "the look", m1.look(t).Queue, "n1", "n2")
	m1.wantOwn(t, "n1", "n2")
	m2.wantOwn(t, "n2")
	wantGroups(t, "the look", m2.look(t).Queue, "n1", "n2")
	m2.wantOwn(t, "n1", "n2")
}

// A look that cannot store what it merged shows what is in the own copy.
func TestLookThatCannotStoreShowsTheOwnCopy(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	m1, m2 := newManager(t, shared, "m1"), newManager(t, shared, "m2")
	m2.add(t, "n2")
	m1.shared.set(func(s *tap) { s.down = errDown })
	_, err := m1.Add(t.Context(), request("n1"))
	wantUnshared(t, err)
	m1.shared.set(func(s *tap) { s.down, s.loses = nil, true })
	v, err := m1.Look(t.Context())
	if u := wantUnshared(t, err); !u.Unknown() {
		t.Errorf("%v is not unknown", err)
	}
	wantGroups(t, "the look", v.Queue, "n1")
	m1.shared.set(func(s *tap) { s.loses = false })
	m1.own.set(func(s *tap) { s.before = func() { s.set(func(s *tap) { s.down = os.ErrPermission }) } })
	v, err = m1.Look(t.Context())
	if err == nil || errors.As(err, new(*ledger.Unshared)) || !errors.Is(err, os.ErrPermission) {
		t.Errorf("a disk that cannot be written: %v", err)
	}
	wantGroups(t, "the look", v.Queue, "n1")
}

// A shared document that is lost comes back from the copies, under another
// name: whoever looks then knows that claims may have got lost.
func TestLookRestoresWhatTheStoreForgot(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	clock := actions.Instant{Boot: "b", Since: time.Hour}
	options := func(o *ledger.Options) { o.Clock = func() actions.Instant { return clock } }
	m1, m2 := newManager(t, shared, "m1", options), newManager(t, shared, "m2", options)
	m1.add(t, "n1")
	m2.add(t, "n2")
	m1.look(t)
	clock.Since += actions.Usual().Lease
	v := m1.look(t)
	if !v.Leases.Passed || v.Leases.MayClaim(clock, actions.Usual().Lease) > 0 {
		t.Fatalf("the wait is not over: %+v", v.Leases)
	}
	if err := os.Remove(shared + "/actions.json"); err != nil {
		t.Fatal(err)
	}
	wantGroups(t, "the look of m2, who never saw n1,", m2.look(t).Queue, "n1", "n2")
	next := m1.look(t)
	if next.Leases.Passed || next.Leases.Document == v.Leases.Document {
		t.Errorf("the new document is taken for the old one: %+v", next.Leases)
	}
	if got := next.Leases.MayClaim(clock, actions.Usual().Lease); got != actions.Usual().Lease {
		t.Errorf("may claim in %s", got)
	}
}
