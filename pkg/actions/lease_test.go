package actions

import (
	"reflect"
	"testing"
	"time"
)

func boot(name string, seconds int) Instant {
	return Instant{name, time.Duration(seconds) * time.Second}
}

// A beat that was watched for one and a half leases, on one boot, is the last one.
func TestLeaseLapses(t *testing.T) {
	q := scene(t, "start node1 | claim:x")
	id := ID{"w", 1}
	seen := Leases{}.Observe("d", "v", q, boot("b", 100), lease)
	for _, c := range []struct {
		name string
		now  Instant
		want bool
	}{
		{"at once", boot("b", 100), false},
		{"just before", boot("b", 144), false},
		{"then", boot("b", 145), true},
		{"the clock went back", boot("b", 50), false},
		{"another boot", boot("c", 1000), false},
	} {
		a, _ := q.Get(id)
		if got := seen.Lapsed(id, a.Progress.Claim, c.now); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	a, _ := q.Get(id)
	if again := seen.Observe("d", "v", q, boot("b", 140), lease); !again.Lapsed(id, a.Progress.Claim, boot("b", 145)) {
		t.Error("a second look forgot the first")
	}
	if rebooted := seen.Observe("d", "v", q, boot("c", 1), lease); rebooted.Lapsed(id, a.Progress.Claim, boot("c", 40)) {
		t.Error("watching went on over a reboot")
	}
	if err := q.Change(id, func(a Action) (Progress, error) { return a.Progress.Beat(a.Progress.Claim) }); err != nil {
		t.Fatal(err)
	}
	next := seen.Observe("d", "v", q, boot("b", 144), lease)
	if a, _ = q.Get(id); next.Lapsed(id, a.Progress.Claim, boot("b", 188)) || !next.Lapsed(id, a.Progress.Claim, boot("b", 189)) {
		t.Error("a beat does not begin the wait anew")
	}
	if a, _ = q.Get(id); seen.Lapsed(id, a.Progress.Claim, boot("b", 1000)) {
		t.Error("a beat that was never seen has lapsed")
	}
}

// The owner stops before anybody may take over, even one who saw the beat at
// the moment it was written.
func TestOwnerStopsFirst(t *testing.T) {
	c := Claim{Try: 1, Beat: 3, Owner: "x", Lasts: lease}
	if !c.MayAct(boot("b", 100), boot("b", 129)) || c.MayAct(boot("b", 100), boot("b", 130)) || c.MayAct(boot("b", 100), boot("c", 101)) {
		t.Error("the owner acts for one lease and on one boot")
	}
}

// After a document was lost nobody claims for one lease, but what was asked for since.
func TestQuarantine(t *testing.T) {
	q := scene(t, "start node1\nstart node2")
	old, other := ID{"w", 1}, ID{"v", 7}
	l := Leases{}.Observe("d1", "w", q, boot("b", 0), lease)
	q.put(actionIn(t, q, "start node3"))
	fresh := ID{"w", 3}
	if l.MayClaim(fresh, boot("b", 0), lease) != 0 {
		t.Error("what was asked for in this document waits")
	}
	for _, id := range []ID{old, other} {
		if left := l.MayClaim(id, boot("b", 10), lease); left != 20*time.Second {
			t.Errorf("%s: %s left", id, left)
		}
		if left := l.MayClaim(id, boot("b", 30), lease); left > 0 {
			t.Errorf("%s: %s left at the end", id, left)
		}
		if left := l.MayClaim(id, boot("c", 100), lease); left != lease {
			t.Errorf("%s: %s left after a reboot", id, left)
		}
	}
	rebooted := l.Observe("d1", "w", q, boot("c", 5), lease)
	if left := rebooted.MayClaim(old, boot("c", 15), lease); left != 20*time.Second {
		t.Errorf("watched anew after a reboot: %s left", left)
	}
	l = l.Observe("d1", "w", q, boot("b", 30), lease)
	if l.MayClaim(old, boot("c", 1), lease) != 0 {
		t.Error("what has passed begins again with a reboot")
	}
	l = l.Observe("d2", "w", q, boot("b", 40), lease)
	if l.MayClaim(fresh, boot("b", 41), lease) != 29*time.Second {
		t.Error("a second loss is not noticed")
	}
}

func TestLeasesAreKept(t *testing.T) {
	l := Leases{}.Observe("d", "w", scene(t, "start node1 | claim:x\nstart node2"), boot("b", 90), lease)
	text, err := l.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeLeases(text)
	if err != nil || !back.Equal(l) || !reflect.DeepEqual(back, l) {
		t.Errorf("%v\n%+v\n%+v", err, l, back)
	}
	for _, bad := range []string{"{", "{}", `{"version":2}`, `{"version":1,"claims":[{"id":"w.1"}]}`} {
		if _, err := DecodeLeases([]byte(bad)); err == nil {
			t.Errorf("read %s", bad)
		}
	}
}

// A lapsed lease gives its locks back and is ended by Settle; then it is due again.
func TestLapsedLeaseIsTakenOver(t *testing.T) {
	q := scene(t, "start node1 | claim:x\nstop node1\nrestart node1 | claim:y cancel")
	in := input(t, "")
	in.Leases = Leases{}.Observe("d", "v", q, boot("boot", 0), 0).Observe("d", "v", q, boot("boot", 0), 0)
	in.Clock = boot("boot", 45)
	if got := told(q.Due(in)); got != "b=due a=running>lapse c=running>lapse" {
		t.Error(got)
	}
	q.Settle(q.Due(in), in)
	if got := told(q.Due(in)); got != "a=due b=lock" {
		t.Error(got)
	}
	a, _ := q.Get(ID{"w", 1})
	if f := a.Progress.Failure; f.Times != 1 || f.Err != "x stopped beating while it was at work" {
		t.Errorf("%+v", f)
	}
	in.Limits.Tries = 1
	q = scene(t, "start node1 | claim:x")
	q.Settle(q.Due(in), in)
	if states(q) != "a=failed" {
		t.Errorf("the last attempt lapsed: %s", states(q))
	}
}
