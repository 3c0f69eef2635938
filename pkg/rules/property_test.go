package rules_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/rules"
)

// firing is one time that a rule was done, or would have been.
type firing struct {
	rule, name, event string
	at                time.Time
}

// Whatever happens, and however it is cut into turns that end by a restart: a rule
// fires at most so often within any hour, with the delay between two for one thing,
// and never twice for one event; with for only for what was so for that long.
func TestFloodControl(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		second := rapid.Map(rapid.IntRange(0, 4000), func(n int) time.Duration { return time.Duration(n) * time.Second })
		var all []rules.Rule
		for n := range rapid.IntRange(1, 3).Draw(t, "rules") {
			r := restart("*")
			r.Name = fmt.Sprint("r", n)
			r.When.State = pattern(rapid.SampledFrom([]string{"up", "down", "*"}).Draw(t, "state"))
			r.MinDelay = second.Draw(t, "min_delay")
			r.MaxPerHour = rapid.IntRange(0, 4).Draw(t, "max_per_hour")
			r.For = rapid.SampledFrom([]time.Duration{0, 0, time.Second, time.Minute}).Draw(t, "for")
			all = append(all, r)
		}
		var s rules.State
		var fired []firing
		state, since := map[string]string{}, map[string]time.Time{}
		now, number := time.Duration(0), 0
		for range rapid.IntRange(1, 60).Draw(t, "turns") {
			now += rapid.Map(rapid.IntRange(0, 900), func(n int) time.Duration { return time.Duration(n) * time.Second }).Draw(t, "later")
			var events []heartbeat.Event
			for range rapid.IntRange(0, 4).Draw(t, "events") {
				number++
				name := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name")
				e := log(fmt.Sprint("e", number), name, rapid.SampledFrom([]string{"up", "down"}).Draw(t, "is"), now)
				if events = append(events, e); state[name] != e.Is.State {
					state[name], since[name] = e.Is.State, e.At
				}
			}
			s = s.Decide(input(now, all...), events, true)
			for _, d := range s.Outbox {
				if d.Verdict == rules.Queue {
					fired = append(fired, firing{d.Rule, d.Event.Key.Name, d.Event.ID, d.At})
					if r := all[d.Rule[1]-'0']; r.For > 0 && r.When.State.String() != "*" &&
						(state[d.Event.Key.Name] != r.When.State.String() || noon.Add(now).Sub(since[d.Event.Key.Name]) < r.For) {
						t.Fatalf("%s fired for %s, which is %s since %s", d.Rule, d.Event.Key.Name, state[d.Event.Key.Name], since[d.Event.Key.Name])
					}
				}
			}
			s = restarted(t, s)
			s.Outbox = nil
		}
		for _, r := range all {
			judge(t, r, fired)
		}
	})
}

// restarted is a state that was stored and read again.
func restarted(t *rapid.T, s rules.State) rules.State {
	b, err := s.Encode([]byte(`{"id":"e"}`))
	if err != nil {
		t.Fatal(err)
	}
	again, place, err := rules.DecodeState(b)
	if err != nil || string(place) != `{"id":"e"}` {
		t.Fatalf("%s %v", place, err)
	}
	if d := cmp.Diff(s, again, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
		t.Fatal(d)
	}
	return again
}

func judge(t *rapid.T, r rules.Rule, all []firing) {
	var fired []firing
	for _, f := range all {
		if f.rule == r.Name {
			fired = append(fired, f)
		}
	}
	events := map[string]bool{}
	last := map[string]time.Time{}
	for n, f := range fired {
		if events[f.event] {
			t.Fatalf("%s fired twice for %s", r.Name, f.event)
		}
		events[f.event] = true
		if before, some := last[f.name]; some && f.at.Sub(before) < r.MinDelay {
			t.Fatalf("%s fired for %s after %s, and min_delay is %s", r.Name, f.name, f.at.Sub(before), r.MinDelay)
		}
		last[f.name] = f.at
		if m := n - r.MaxPerHour; r.MaxPerHour > 0 && m >= 0 && f.at.Sub(fired[m].at) < time.Hour {
			t.Fatalf("%s fired %d times within %s", r.Name, r.MaxPerHour+1, f.at.Sub(fired[m].at))
		}
	}
}
