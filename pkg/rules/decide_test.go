package rules_test

import (
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/rules"
)

func list(events ...heartbeat.Event) []heartbeat.Event { return events }

func TestActsOnce(t *testing.T) {
	in := input(time.Second, restart("indexer"))
	s := rules.State{}.Decide(in, list(log("e1", "indexer", "compacted", 0), log("e2", "gateway", "compacted", 0)), true)
	d := s.Outbox[0]
	if d.Cluster != "c" || d.Do.Level != "services" || d.Do.Action != "restart" || d.Do.Group != "node1" || !d.At.Equal(in.Now) {
		t.Errorf("%+v", d)
	}
	want(t, &s, "restart-indexer e1 acts")
	s = s.Decide(input(time.Hour, restart("indexer")), nil, true)
	want(t, &s, "")
}

func TestNotAutomatic(t *testing.T) {
	in := input(0, restart("indexer"))
	in.Automatic = nil
	s := rules.State{}.Decide(in, list(log("e1", "indexer", "x", 0)), true)
	if s.Outbox[0].Reason != "the cluster c is not automatic" {
		t.Errorf("%q", s.Outbox[0].Reason)
	}
	want(t, &s, "restart-indexer e1 would act")
}

func TestMinDelay(t *testing.T) {
	r := restart("*")
	r.MinDelay = 10 * time.Minute
	var s rules.State
	for _, step := range []struct {
		at   time.Duration
		name string
		want string
	}{
		{0, "a", "restart-* e acts"},
		{time.Minute, "a", "restart-* e kept back"},
		{2 * time.Minute, "a", ""}, // told once
		{2 * time.Minute, "b", "restart-* e acts"},
		{10*time.Minute - 1, "a", ""},
		{10 * time.Minute, "a", "restart-* e acts"},
		{11 * time.Minute, "a", "restart-* e kept back"},
	} {
		s = s.Decide(input(step.at, r), list(log("e", step.name, "x", step.at)), true)
		if step.at == 10*time.Minute && s.Outbox[0].Reason != "2 more were kept back since the last time" {
			t.Errorf("%q", s.Outbox[0].Reason)
		}
		want(t, &s, step.want)
	}
}

func TestMaxPerHour(t *testing.T) {
	r := restart("*")
	r.MaxPerHour = 2
	var s rules.State
	for _, step := range []struct {
		at   time.Duration
		name string
		want string
	}{
		{0, "a", "restart-* e acts"},
		{30 * time.Minute, "b", "restart-* e acts"},
		{31 * time.Minute, "c", "restart-* e kept back"},
		{59 * time.Minute, "c", ""},
		{time.Hour, "c", "restart-* e acts"},
		{61 * time.Minute, "d", "restart-* e kept back"},
		{90 * time.Minute, "d", "restart-* e acts"},
	} {
		s = s.Decide(input(step.at, r), list(log("e", step.name, "x", step.at)), true)
		want(t, &s, step.want)
	}
	x := s.Explain(input(91*time.Minute, r), log("e", "z", "x", 91*time.Minute))[0]
	if x.Verdict != rules.KeptBack || !x.Until.Equal(noon.Add(2*time.Hour)) || !strings.Contains(x.Reason, "max_per_hour is 2") {
		t.Errorf("%+v", x)
	}
}

// An old backlog, as after rules were away for long, starts nothing by surprise.
func TestTooLate(t *testing.T) {
	s := rules.State{}.Decide(input(25*time.Hour, restart("a")), list(log("e1", "a", "x", 0), log("e2", "a", "x", time.Hour)), true)
	want(t, &s, "restart-a e1 too late, restart-a e2 acts")
}

// steady is a rule for what is stopped for a minute.
func steady() rules.Rule {
	r := restart("node*")
	r.Name, r.For, r.When.State = "steady", time.Minute, pattern("stopped")
	return r
}

func TestFor(t *testing.T) {
	service := func(id, state string, at time.Duration) []heartbeat.Event {
		return list(event(heartbeat.Services, id, "node1", state, at))
	}
	var s rules.State
	for _, step := range []struct {
		at     time.Duration
		events []heartbeat.Event
		want   string
	}{
		{0, service("e1", "stopped", 0), ""},
		{59 * time.Second, nil, ""},
		{59 * time.Second, service("e2", "running", 59*time.Second), ""}, // it ended
		{2 * time.Minute, nil, ""},
		{2 * time.Minute, service("e3", "stopped", 2*time.Minute), ""},
		{150 * time.Second, service("e4", "stopped", 150*time.Second), ""}, // and still is: the beginning counts
		{3 * time.Minute, nil, "steady e3 acts"},
		{9 * time.Minute, nil, ""}, // once
		{10 * time.Minute, service("e5", "stopped", 10*time.Minute), ""},
		{11 * time.Minute, service("e6", "running", 11*time.Minute), ""},
		{12 * time.Minute, service("e7", "stopped", 12*time.Minute), ""},
		{13 * time.Minute, service("e8", "running", 13*time.Minute), ""}, // in the last moment
		{14 * time.Minute, nil, ""},
	} {
		s = s.Decide(input(step.at, steady()), step.events, true)
		want(t, &s, step.want)
	}
}

// While more events are to come nothing is taken for lasting.
func TestForWithABacklog(t *testing.T) {
	begun := list(event(heartbeat.Services, "e1", "node1", "stopped", 0))
	ended := list(event(heartbeat.Services, "e2", "node1", "running", time.Second))
	s := rules.State{}.Decide(input(time.Hour, steady()), begun, false)
	s = s.Decide(input(time.Hour, steady()), ended, true)
	want(t, &s, "")
	s = rules.State{}.Decide(input(time.Hour, steady()), begun, true)
	want(t, &s, "steady e1 acts")
}

// What flood control keeps back of a rule with for goes on waiting, and is told once.
func TestForKeptBack(t *testing.T) {
	r := steady()
	r.MaxPerHour = 1
	two := list(event(heartbeat.Services, "e1", "node1", "stopped", 0), event(heartbeat.Services, "e2", "node2", "stopped", 0))
	s := rules.State{}.Decide(input(time.Minute, r), two, true)
	want(t, &s, "steady e1 acts, steady e2 kept back")
	for at := 2 * time.Minute; at < time.Hour; at += time.Minute {
		s = s.Decide(input(at, r), nil, true)
		want(t, &s, "")
	}
	s = s.Decide(input(61*time.Minute, r), nil, true)
	want(t, &s, "steady e2 acts")
}

// An alert with for ends where what it was about does, automatic or not.
func TestAlert(t *testing.T) {
	r := steady()
	r.Do = rules.Do{Alert: &rules.Alert{Severity: "critical", Labels: map[string]string{"team": "dba"}}}
	in := input(time.Minute, r)
	in.Automatic = nil
	begun := event(heartbeat.Services, "e1", "node1", "stopped", 0)
	begun.Labels = map[string]string{"host": "m1", "team": "other"}
	s := rules.State{}.Decide(in, list(begun), true)
	e := s.Outbox[0].Told("mgr")
	if l := e.Labels; e.Is.State != "alerts" || l["severity"] != "critical" || l["team"] != "dba" || l["host"] != "m1" || l["event"] != "e1" || l["name"] != "node1" {
		t.Errorf("%+v", e)
	}
	want(t, &s, "steady e1 alerts")
	in.Now = noon.Add(2 * time.Minute)
	s = s.Decide(in, list(event(heartbeat.Services, "e2", "node1", "running", 2*time.Minute)), true)
	want(t, &s, "steady e2 over")
}

func TestGroups(t *testing.T) {
	for _, c := range []struct{ what, group, cluster, label, want string }{
		{"as it is", "node1", "c", "", "c node1"},
		{"by label", "{service}", "c", "node1", "c node1"},
		{"by ip", "{ip}", "c", "", "c 10.0.0.1"},
		{"put together", "node{n}", "c", "1", "c node1"},
		{"everything, as it is", "all", "c", "", "c all"},
		{"everything, by a label", "{service}", "c", "all", "refused: the event says"},
		{"a cluster, by a label", "{service}", "c", "c", "refused: the event says"},
		{"of another cluster", "node2", "c", "", `refused: there is no "node2" in cluster c`},
		{"nothing there", "{service}", "c", "", "refused: the event has no service"},
		{"no cluster, told by the group", "node1", "", "", "c node1"},
		{"no cluster, everything", "all", "", "", `refused: there is no "all" in any cluster`},
		{"a cluster that is not there", "node1", "e", "", `refused: there is no cluster "e"`},
	} {
		r := restart("x")
		r.Do.Command.Group = c.group
		e := log("e", "x", "y", 0)
		e.Key.Cluster, e.Labels = c.cluster, map[string]string{"service": c.label, "n": c.label}
		s := rules.State{}.Decide(input(0, r), list(e), true)
		d := s.Outbox[0]
		got := d.Cluster + " " + d.Do.Group
		if d.Verdict == rules.Refused {
			got = "refused: " + d.Reason
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

// The same decision is the same event, and two are two.
func TestTold(t *testing.T) {
	s := rules.State{}.Decide(input(0, restart("a"), restart("*")), list(log("e1", "a", "x", 0), log("e2", "a", "x", 0)), true)
	ids := map[string]bool{}
	for _, d := range s.Outbox {
		first, second := d.Told("mgr"), d.Told("mgr")
		ids[first.ID] = true
		if first.ID != second.ID {
			t.Error("the same decision is two events")
		}
	}
	if len(ids) != 4 {
		t.Errorf("%d events for %d decisions", len(ids), len(s.Outbox))
	}
}

// Rules that are gone, and firings that do not count any more, are forgotten.
func TestForgets(t *testing.T) {
	r := restart("*")
	r.MinDelay = 2 * time.Hour
	s := rules.State{}.Decide(input(0, r, steady()), list(event(heartbeat.Services, "e", "node1", "stopped", 0)), true)
	if s = s.Decide(input(119*time.Minute, r, steady()), nil, false); len(s.Fired) != 1 || len(s.Waiting) != 1 {
		t.Errorf("%+v", s)
	}
	if s = s.Decide(input(2*time.Hour, r), nil, true); len(s.Fired) != 0 || len(s.Waiting) != 0 {
		t.Errorf("%+v", s)
	}
}

// A clock that was ahead when a rule fired keeps it back for its delay at most.
func TestClockSetBack(t *testing.T) {
	r := restart("*")
	r.MinDelay, r.MaxPerHour = 10*time.Minute, 1
	s := rules.State{}.Decide(input(1000*time.Hour, r), list(log("e1", "a", "x", 1000*time.Hour)), true)
	story(&s)
	s = s.Decide(input(0, r), list(log("e2", "a", "x", 0)), true)
	want(t, &s, "restart-* e2 kept back")
	s = s.Decide(input(time.Hour, r), list(log("e3", "a", "x", time.Hour)), true)
	want(t, &s, "restart-* e3 acts")
}

func TestExplain(t *testing.T) {
	script := restart("a")
	script.Name, script.Do = "script", rules.Do{Script: "/x"}
	s := rules.State{}.Explain(input(0, restart("a"), restart("b"), steady(), script), log("e", "a", "x", 0))
	if s[0].Verdict != rules.Queue || s[0].What != "services:restart:node1" || s[1].Matches || s[2].Matches || s[3].Do.Group != "script" {
		t.Errorf("%+v", s)
	}
	down := event(heartbeat.Services, "e", "node1", "stopped", 0)
	if x := (rules.State{}).Explain(input(10*time.Second, steady()), down)[0]; x.Verdict != rules.Waits || !x.Until.Equal(noon.Add(time.Minute)) {
		t.Errorf("%+v", x)
	}
	if x := (rules.State{}).Explain(input(25*time.Hour, restart("a")), log("e", "a", "x", 0))[0]; x.Verdict != rules.Late {
		t.Errorf("%+v", x)
	}
}
