package actions

import (
	"reflect"
	"strings"
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
	seen := Leases{}.Observe("d", q, boot("b", 100), lease)
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
		if got := seen.Lapsed(id, a.Progress.Claim(), c.now); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	a, _ := q.Get(id)
	if again := seen.Observe("d", q, boot("b", 140), lease); !again.Lapsed(id, a.Progress.Claim(), boot("b", 145)) {
		t.Error("a second look forgot the first")
	}
	if rebooted := seen.Observe("d", q, boot("c", 1), lease); rebooted.Lapsed(id, a.Progress.Claim(), boot("c", 40)) {
		t.Error("watching went on over a reboot")
	}
	if err := q.Change(id, func(a Action) (Progress, error) { return a.Progress.Beat(a.Progress.Claim()) }); err != nil {
		t.Fatal(err)
	}
	next := seen.Observe("d", q, boot("b", 144), lease)
	if a, _ = q.Get(id); next.Lapsed(id, a.Progress.Claim(), boot("b", 188)) || !next.Lapsed(id, a.Progress.Claim(), boot("b", 189)) {
		t.Error("a beat does not begin the wait anew")
	}
	if a, _ = q.Get(id); seen.Lapsed(id, a.Progress.Claim(), boot("b", 1000)) {
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

// After a document was lost nobody claims for one lease.
func TestQuarantine(t *testing.T) {
	q := scene(t, "start node1")
	l := Leases{}.Observe("d1", q, boot("b", 0), lease)
	for now, want := range map[Instant]time.Duration{
		boot("b", 0): lease, boot("b", 10): 20 * time.Second, boot("b", 30): 0, boot("c", 100): lease,
	} {
		if left := l.MayClaim(now, lease); left != want {
			t.Errorf("%v: %s left", now, left)
		}
	}
	in := input(t, "")
	in.Leases, in.Clock = l, boot("b", 10)
	if r := q.Due(in); told(r) != "a=lease" || !strings.HasPrefix(r.Verdicts[0].Reason, "waits for 20s") {
		t.Error(r)
	}
	if left := l.Observe("d1", q, boot("c", 5), lease).MayClaim(boot("c", 15), lease); left != 20*time.Second {
		t.Errorf("watched anew after a reboot: %s left", left)
	}
	l = l.Observe("d1", q, boot("b", 30), lease)
	if l.MayClaim(boot("c", 1), lease) != 0 {
		t.Error("what has passed begins again with a reboot")
	}
	if l = l.Observe("d2", q, boot("b", 40), lease); l.MayClaim(boot("b", 41), lease) != 29*time.Second {
		t.Error("a second loss is not noticed")
	}
	if never := (Leases{}).Observe("d", q, boot("b", 0), 0); !never.Passed {
		t.Error("waits for a document that cannot get lost")
	}
}

func TestLeasesAreKept(t *testing.T) {
	l := Leases{}.Observe("d", scene(t, "start node1 | claim:x\nstart node2"), boot("b", 90), lease)
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
	in.Leases = Leases{}.Observe("d", q, boot("boot", 0), 0).Observe("d", q, boot("boot", 0), 0)
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
