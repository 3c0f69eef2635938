package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/children"
	"github.com/clmgr/clmgr/pkg/actions"
)

// record is what processes said that they had done.
type record struct {
	group     map[actions.ID]string
	cancelled map[actions.ID]bool
}

func (r *record) note(t *testing.T, line string) {
	t.Helper()
	words := strings.Fields(line)
	if len(words) != 3 {
		t.Fatalf("a process says %q", line)
	}
	id, err := actions.ParseID(words[1])
	if err != nil {
		t.Fatal(err)
	}
	switch was, twice := r.group[id]; {
	case words[0] == "cancelled":
		r.cancelled[id] = true
	case twice:
		t.Errorf("%s is both %s and %s", id, was, words[2])
	default:
		r.group[id] = words[2]
	}
}

func newRecord() *record {
	return &record{group: map[actions.ID]string{}, cancelled: map[actions.ID]bool{}}
}

// check compares a queue with what was said.
func (r *record) check(t *testing.T, q *actions.Queue) {
	t.Helper()
	for id, group := range r.group {
		a, ok := q.Get(id)
		switch {
		case !ok:
			t.Errorf("%s (%s) is lost", id, group)
		case a.Do.Group != group:
			t.Errorf("%s is %s, and was added as %s", id, a.Do.Group, group)
		case r.cancelled[id] && a.State() != actions.Cancelled:
			t.Errorf("%s was cancelled and is %s", id, a.State())
		}
	}
}

// Two processes of one manager write under one name, and each number is given
// once.
func TestProcessesOfOneManagerGiveDifferentNumbers(t *testing.T) {
	t.Parallel()
	shared, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	said := newRecord()
	a, b := child(t, shared, state, "a", 20), child(t, shared, state, "b", 20)
	outA, outB := children.Start(t, a), children.Start(t, b)
	for outA.Scan() {
		said.note(t, outA.Text())
	}
	for outB.Scan() {
		said.note(t, outB.Text())
	}
	if err := a.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := b.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(said.group) != 40 {
		t.Errorf("%d actions were added, want 40", len(said.group))
	}
	writers := map[string]bool{}
	for id := range said.group {
		writers[id.Writer] = true
	}
	if len(writers) != 1 {
		t.Errorf("writers %v, want one", writers)
	}
	said.check(t, managerAt(t, shared, state, "m1").look(t).Queue)
	said.check(t, newManager(t, shared, "m2").look(t).Queue)
}

// A process killed at any moment loses nothing that it had said was added, and
// the next one goes on.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	shared, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	said := newRecord()
	const kills = 12
	for n := range kills {
		cmd := child(t, shared, state, fmt.Sprintf("k%d", n), 0)
		lines := children.Start(t, cmd)
		for range 1 + rand.IntN(3) {
			if lines.Scan() {
				said.note(t, lines.Text())
			}
		}
		time.AfterFunc(rand.N(50*time.Millisecond), func() { _ = cmd.Process.Kill() })
		for lines.Scan() {
			said.note(t, lines.Text())
		}
		_ = cmd.Wait()
		m := managerAt(t, shared, state, "m1")
		q, err := m.Own(t.Context())
		if err != nil {
			t.Fatalf("kill %d: %v", n, err)
		}
		said.check(t, q)
	}
	m := managerAt(t, shared, state, "m1")
	said.check(t, m.look(t).Queue)
	said.check(t, newManager(t, shared, "m2").look(t).Queue)
	t.Logf("%d kills, %d actions, %d cancelled", kills, len(said.group), len(said.cancelled))
	if len(said.group) < kills || len(said.cancelled) == 0 {
		t.Error("the processes came to do nothing")
	}
}
