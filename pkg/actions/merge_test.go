package actions

import (
	"reflect"
	"testing"
	"time"
)

func TestMergeKeepsWhatIsNewAndDropsWhatWasPruned(t *testing.T) {
	a := scene(t, "start node1 | claim:x finish:x\nstart node2\nstart node3")
	b := a.Clone()
	b = b.Prune(t0.Add(time.Hour), time.Minute)
	if got := states(b); got != "b=waiting c=waiting" {
		t.Fatal(got)
	}
	b.put(actionIn(t, b, "start node4"))
	if got := states(Merge(a, b)); got != "b=waiting c=waiting d=waiting" {
		t.Error(got)
	}
	if !Merge(a, b).Seen(ID{"w", 1}) || Merge(a, b).Mark("w") != 4 {
		t.Error("what was pruned is not remembered")
	}
}

func TestPrune(t *testing.T) {
	for _, c := range []struct{ name, queue, want string }{
		{"what is over goes", "start node1 | claim:x finish:x\nstart node2 | cancel", ""},
		{"what is not stays", "start node1\nstart node2 | claim:x\nstart node3 | park", "a=waiting b=running c=failed"},
		{"a plan goes as a whole", "start node1 plan=p | claim:x finish:x\nstart node2 plan=p", "a=done b=waiting"},
		{"what somebody waits for stays", "start node1 | claim:x finish:x\nstart node2 after=a", "a=done b=waiting"},
		{"who may still be at work stays", "start node1 | claim:x cancel", "a=cancelled"},
	} {
		if got := states(scene(t, c.queue).Prune(t0.Add(time.Hour), time.Minute)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		q := scene(t, c.queue)
		if got := q.Prune(t0.Add(time.Hour), 2*time.Hour); states(got) != states(q) {
			t.Errorf("%s: pruned too early: %s", c.name, states(got))
		}
	}
}

func TestPruneAndClearKeepTheirInput(t *testing.T) {
	q := scene(t, "start node1 | claim:x finish:x\nstart node2 | claim:x\nstart node3")
	before := states(q)
	if got := states(q.Clear(t0)); got != "b=cancelled" {
		t.Error(got)
	}
	q.Prune(t0.Add(time.Hour), time.Minute)
	if states(q) != before {
		t.Errorf("%s became %s", before, states(q))
	}
	if m := q.Clear(t0).Mark("w"); m != 3 {
		t.Errorf("mark %d", m)
	}
}

func TestHoldsMergeAndArePruned(t *testing.T) {
	q := &Queue{}
	if _, err := q.Hold("w", Hold{Group: "node1", Reason: "r", At: t0, Until: t0.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Hold("w", Hold{Group: "node2", Reason: "r", At: t0}); err != nil {
		t.Fatal(err)
	}
	old := q.Clone()
	q.Release("", "node2", t0)
	if got := Merge(old, q).Holds(t0); len(got) != 1 || got[0].Group != "node1" {
		t.Errorf("released and merged: %v", got)
	}
	pruned := q.Prune(t0.Add(3*time.Hour), time.Hour)
	if len(pruned.holds) != 0 || len(Merge(old, pruned).holds) != 0 {
		t.Errorf("pruned: %v", pruned.holds)
	}
	for _, bad := range []Hold{{Reason: "r"}, {Group: "g"}, {Group: "g", Reason: "r", At: t0, Until: t0}} {
		if _, err := q.Hold("w", bad); err == nil {
			t.Errorf("took %+v", bad)
		}
	}
}

// Copies of one action that differ in what never changes are a fault, but all
// copies come to the same.
func TestMergeOfForgedCopies(t *testing.T) {
	a := scene(t, "start node1")
	b := scene(t, "stop node1 not_before=1m")
	if x, y := Merge(a, b), Merge(b, a); !reflect.DeepEqual(x, y) {
		t.Errorf("%+v\n%+v", x, y)
	}
}
