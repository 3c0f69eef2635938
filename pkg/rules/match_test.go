package rules_test

import (
	"strings"
	"testing"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/rules"
)

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"node10", "node10", true},
		{"node10", "node100", false},
		{"node1?", "node10", true},
		{"node1?", "node1", false},
		{"node*", "node", true},
		{"*", "", true},
		{"a.c", "abc", false},
		{"a*c", "a\nc", true},
		{"[ab]", "a", false},
		{"/no(de|te)1/", "see note1 there", true},
		{"/^node1$/", "node10", false},
		{"/(?i)LOST/", "lost", true},
		{"/", "/", true},
		{"//", "anything", true},
		{"/a/b", "/a/b", true},
	} {
		p, err := rules.ParsePattern(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if p.Match(c.text) != c.want || p.String() != c.pattern {
			t.Errorf("%s and %q: %v, want %v", p, c.text, !c.want, c.want)
		}
	}
	if _, err := rules.ParsePattern("/(/"); err == nil || !strings.HasPrefix(err.Error(), `cannot read pattern "/(/"`) {
		t.Errorf("a bad one: %v", err)
	}
	if !(rules.Pattern{}).Match("x") || !(rules.Pattern{}).Any() {
		t.Error("the zero pattern does not match anything")
	}
}

// Each field alone decides, and says so.
func TestMismatches(t *testing.T) {
	e := event(heartbeat.Services, "e", "node1", "running", 0)
	e.Was = heartbeat.Point{State: "stopped", Code: "ER0023", Role: "slave"}
	e.Is = heartbeat.Point{State: "running", Code: "000000", Role: "master"}
	e.Reason, e.Labels = "it was started", map[string]string{"host": "m1"}
	for _, c := range []struct {
		yes, no rules.When
		says    string
	}{
		{rules.When{Cluster: pattern("c")}, rules.When{Cluster: pattern("d")}, `cluster is "c", not d`},
		{rules.When{Type: pattern("services")}, rules.When{Type: pattern("logs")}, `type is "services", not logs`},
		{rules.When{Name: pattern("node?")}, rules.When{Name: pattern("db*")}, `name is "node1", not db*`},
		{rules.When{IP: pattern("10.0.*")}, rules.When{IP: pattern("10.1.*")}, `ip is "10.0.0.1", not 10.1.*`},
		{rules.When{State: pattern("running")}, rules.When{State: pattern("stopped")}, `state is "running", not stopped`},
		{rules.When{PreviousState: pattern("stopped")}, rules.When{PreviousState: pattern("x")}, `previous_state is "stopped", not x`},
		{rules.When{Code: pattern("000000")}, rules.When{Code: pattern("ER*")}, `code is "000000", not ER*`},
		{rules.When{Status: pattern("master")}, rules.When{Status: pattern("slave")}, `status is "master", not slave`},
		{rules.When{PreviousStatus: pattern("slave")}, rules.When{PreviousStatus: pattern("x")}, `previous_status is "slave", not x`},
		{rules.When{Reason: pattern("/start/")}, rules.When{Reason: pattern("/stop/")}, `reason is "it was started", not /stop/`},
		{
			rules.When{Labels: map[string]rules.Pattern{"host": pattern("m?")}},
			rules.When{Labels: map[string]rules.Pattern{"host": pattern("m1"), "none": pattern("?")}},
			`label none is "", not ?`,
		},
	} {
		if !c.yes.Match(e) || len(c.yes.Mismatches(e)) > 0 {
			t.Errorf("%s does not match: %v", c.yes, c.yes.Mismatches(e))
		}
		if got := strings.Join(c.no.Mismatches(e), "; "); c.no.Match(e) || got != c.says {
			t.Errorf("%s: %q, want %q", c.no, got, c.says)
		}
	}
}

func TestWhenInWords(t *testing.T) {
	w := rules.When{Type: pattern("logs"), Labels: map[string]rules.Pattern{"b": pattern("x"), "a": pattern("y")}}
	if got := w.String(); got != "type=logs label a=y label b=x" {
		t.Error(got)
	}
	if got := (rules.When{}).String(); got != "any event" {
		t.Error(got)
	}
}

// What tells of rules, alerts and scripts starts nothing, or it would go round for ever.
func TestNothingInCircles(t *testing.T) {
	anything := restart("*")
	for _, kind := range []heartbeat.Kind{heartbeat.Rules, heartbeat.Alerts, heartbeat.Scripts} {
		s := rules.State{}.Decide(input(0, anything), []heartbeat.Event{event(kind, "e", "x", "y", 0)}, true)
		want(t, &s, "")
		x := s.Explain(input(0, anything), event(kind, "e", "x", "y", 0))
		if x[0].Matches || !strings.Contains(x[0].Mismatches[0], "start no rule") {
			t.Errorf("%s: %+v", kind, x)
		}
	}
}
