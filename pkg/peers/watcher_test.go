package peers

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Before a window is long enough a peer is late when its time to live is over, and
// after that when phi says so, which is earlier.
func TestLate(t *testing.T) {
	w := newWorld("a", "b", "c").run(5 * second)
	w.mute["a"] = true
	w.run(30*second).told(t, "15 a: failed")
	w = newWorld("a", "b", "c").run(30 * second)
	w.mute["a"] = true
	w.run(60*second).told(t, "34 a: failed")
}

// One event a failure and one at recovery; failing again is another.
func TestFailRecoverFail(t *testing.T) {
	w := newWorld("a", "b", "c").run(30 * second)
	for range 3 {
		w.mute["a"] = true
		w.run(60 * second)
		w.mute["a"] = false
		w.run(60 * second)
	}
	w.told(t, "34 a: failed", "91 a: running", "154 a: failed", "211 a: running", "274 a: failed", "331 a: running")
	for _, s := range w.Window("a", Heartbeat) {
		if s.Gap > 2*second {
			t.Errorf("a failure of %s counts as an interval", s.Gap)
		}
	}
}

// A new watcher begins with what the last one said, and takes an old report for no
// sign of life.
func TestRestart(t *testing.T) {
	w := newWorld("a", "b", "c").run(30 * second)
	w.mute["a"] = true
	w.run(20*second).told(t, "34 a: failed")
	w.restart(t)
	w.run(60 * second).told(t)
	w.mute["a"] = false
	w.run(10*second).told(t, "111 a: running")
	w.restart(t)
	w.mute["b"] = true // it dies while the watcher is down: the windows are kept
	w.run(20*second).told(t, "124 b: failed")
	for _, gap := range w.State().Gaps["a"] {
		if gap < 900*millisecond || gap > 1100*millisecond {
			t.Errorf("an interval of %s", gap)
		}
	}
}

// A member that published before this watcher began, and never since, failed.
func TestDeadBeforeTheWatcherBegan(t *testing.T) {
	w := newWorld("a", "b", "c")
	w.publish("a")
	w.mute["a"] = true
	w.run(30*second).told(t, "10 a: failed")
}

// Another start of a peer is no failure, and its pause no interval.
func TestPeerRestarts(t *testing.T) {
	w := newWorld("a", "b", "c").run(30 * second)
	w.mute["a"] = true
	w.run(2500 * millisecond)
	w.reports["a"], w.seqs["a"] = Report{Life: "second"}, 0
	w.mute["a"] = false
	w.run(30 * second).told(t)
	for _, s := range w.Window("a", Heartbeat) {
		if s.Gap > 1500*millisecond {
			t.Errorf("a restart of %s counts as an interval", s.Gap)
		}
	}
}

// A peer that publishes more rarely from now on is not late by its old pace.
func TestAnotherPace(t *testing.T) {
	w := newWorld("a", "b", "c").run(30 * second)
	w.edit = func(r *Report) {
		if r.Peer == "a" {
			r.Life, r.Interval, r.TTL = "second", 8*second, 40*second
		}
	}
	w.publish("a")
	w.mute["a"] = true
	for range 20 {
		w.run(8 * second)
		w.publish("a")
	}
	w.told(t)
	w.run(60 * second)
	if len(w.lines) != 1 || !strings.HasSuffix(w.lines[0], "a: failed") {
		t.Errorf("told %q", w.lines)
	}
}

// An older report that somebody puts back is no sign of life.
func TestOldReportComesBack(t *testing.T) {
	w := newWorld("a", "b", "c").run(20 * second)
	old := w.reports["a"]
	w.run(10 * second)
	w.mute["a"] = true
	w.run(20*second).told(t, "34 a: failed")
	w.reports["a"] = old
	w.run(20 * second).told(t)
}

func TestForgotten(t *testing.T) {
	w := newWorld("a", "b", "c", "d").run(30 * second)
	w.members = w.members.Without("b")
	w.mute["b"] = true
	w.run(60 * second).told(t) // it lived: nothing is to be said
	w.mute["a"] = true
	w.run(30 * second)
	w.members = w.members.Without("a")
	w.run(60*second).told(t, "94 a: failed", "120 a: forgotten")
	if failed := w.State().Failed; len(failed) > 0 {
		t.Errorf("%v still failed", failed)
	}
	w.members, w.mute["a"] = w.members.With("a"), false
	w.run(30 * second)
	w.mute["a"] = true
	w.run(30*second).told(t, "214 a: failed")
}

// The list of members is lost with the store; the watcher brings it back, and a peer
// that dies with the store is not forgotten. Who was forgotten stays so.
func TestStoreForgets(t *testing.T) {
	w := newWorld("a", "b", "c", "d").run(20 * second)
	w.members = w.members.Without("d")
	w.run(10 * second)
	w.members, w.reports = Members{}, map[string]Report{}
	w.mute["a"] = true
	w.run(30*second).told(t, "34 a: failed")
	if got := w.members.Names(); !slices.Equal(got, []string{"a", "b", "c", "me"}) {
		t.Errorf("members %v", got)
	}
}

// Only the configured ones are peers.
func TestOnly(t *testing.T) {
	w := newWorld("a", "b", "c", "d")
	s := usual()
	s.Only = []string{"a", "b", "c", "never"}
	w.Watcher = NewWatcher("me", s, State{})
	w.run(30 * second)
	w.mute["d"], w.mute["a"] = true, true
	w.run(30*second).told(t, "34 a: failed")
}

// A store that does not answer says nothing of peers. The watcher tells once of
// itself, and they have their whole time again when it is back.
func TestNoStore(t *testing.T) {
	w := newWorld("a", "b", "c").run(30 * second)
	w.unread, w.unpub = "no answer", "no answer"
	w.run(60*second).told(t, "40 me: isolated")
	w.restart(t)
	w.run(60 * second).told(t)
	w.unread, w.unpub = "", ""
	w.mute["a"] = true
	w.run(60*second).told(t, "150 me: seeing", "154 a: failed")
}

// A store that is away for less than its time is not mentioned, and nobody is late by it.
func TestStoreAwayForAMoment(t *testing.T) {
	w := newWorld("a", "b", "c").run(30 * second)
	for range 20 {
		w.unread = "no answer"
		w.run(5 * second)
		w.unread = ""
		w.run(5 * second)
	}
	w.told(t)
}

// Every second look fails: slower, but a dead peer is seen.
func TestFlakyStore(t *testing.T) {
	w := newWorld("a", "b", "c").run(30 * second)
	w.mute["a"] = true
	for range 200 {
		w.unread = "no answer"
		w.step(second / 4)
		w.unread = ""
		w.step(second / 4)
	}
	if len(w.lines) != 1 || !strings.HasSuffix(w.lines[0], "a: failed") {
		t.Errorf("told %q", w.lines)
	}
}

// A manager that can read and not write is one that the others see fail.
func TestCannotPublish(t *testing.T) {
	w := newWorld("a", "b", "c").run(30 * second)
	w.unpub = "corrupt"
	w.run(20 * second)
	w.mute["a"] = true
	w.run(20 * second)
	w.unpub = ""
	w.run(20*second).told(t, "40 me: isolated", "54 a: failed", "70 me: seeing")
}

// A watcher that stood still finds reports that are new to it, and a peer that died
// meanwhile has the time to prove it, but for the second that the pause counts.
func TestWatcherStoodStill(t *testing.T) {
	w := newWorld("a", "b", "c").run(30 * second)
	w.mute["a"] = true
	w.at += 300 * second
	w.run(20*second).told(t, "333 a: failed")
}

// Of two or more, more than half silent at once: the watcher is cut off with the
// store, and says so once.
func TestMostGoSilent(t *testing.T) {
	w := newWorld("a", "b", "c").run(30 * second)
	for _, name := range []string{"a", "b", "c"} {
		w.mute[name] = true
	}
	w.run(60*second).told(t, "34 me: isolated")
	w.mute["a"] = false
	w.run(30 * second).told(t) // one of three is still most away
	w.restart(t)
	w.mute["b"] = false
	w.run(30*second).told(t, "121 me: seeing", "125 c: failed")
	w.mute["c"] = false
	w.run(30*second).told(t, "151 c: running")
}

// Two that die within a second of one another die at once.
func TestMostGoSilentOneAfterAnother(t *testing.T) {
	w := newWorld("a", "b").run(30 * second)
	w.mute["a"] = true
	w.run(second)
	w.mute["b"] = true
	w.run(60*second).told(t, "35 me: isolated")
	w.members = w.members.Without("a").Without("b")
	w.run(10*second).told(t, "91 me: seeing")
}

// The last of two dies long after the first: nobody is cut off.
func TestOneAfterTheOther(t *testing.T) {
	w := newWorld("a", "b").run(30 * second)
	w.mute["a"] = true
	w.run(30 * second)
	w.mute["b"] = true
	w.run(30*second).told(t, "34 a: failed", "64 b: failed")
}

// A metric whose value is too old fails, though its peer lives, and the peer's own
// failure is one event.
func TestMetric(t *testing.T) {
	w := newWorld("a", "b", "c")
	broken, gone := time.Duration(0), false
	w.edit = func(r *Report) {
		m := Metric{Name: "lag", Value: "1", Seq: r.Seq, TTL: 5 * second, Valid: true}
		if broken > 0 && w.at > broken {
			m.Seq, m.Valid, m.Why, m.Age = uint64(broken/second), false, "exit status 1", w.at-broken
		}
		if r.Metrics = nil; r.Peer == "a" && !gone {
			r.Metrics = []Metric{m}
		}
	}
	w.run(8 * second)
	broken = w.at
	w.run(20 * second)
	w.restart(t)
	w.run(20 * second)
	broken = 0
	w.run(20*second).told(t, "13 a/lag: failed", "49 a/lag: running")
	w.mute["a"] = true
	w.run(20*second).told(t, "72 a: failed")
	w.mute["a"] = false
	w.run(20*second).told(t, "89 a: running")
	broken = w.at
	w.run(20 * second)
	gone = true
	w.run(5*second).told(t, "112 a/lag: failed", "129 a/lag: forgotten")
}

func TestReasons(t *testing.T) {
	w := newWorld("a", "b", "c").run(30 * second)
	delete(w.reports, "a")
	w.mute["a"] = true
	var said string
	for range 100 {
		w.at += second / 4
		look := Look{At: w.at, Wall: w.wall.Add(w.at), Members: w.members, Reports: map[string]Seen{"a": {Problem: "it has no report"}}}
		for _, name := range []string{"b", "c"} {
			w.publish(name)
			look.Reports[name] = Seen{Report: w.reports[name]}
		}
		for _, e := range w.Pass(look) {
			said += e.String() + " " + e.Labels["peer"] + " " + e.Labels["metric"]
		}
	}
	if want := "peer a: running → failed: silent for 4s, phi 9.0: it has no report a heartbeat"; said != want {
		t.Errorf("said %q, want %q", said, want)
	}
}
