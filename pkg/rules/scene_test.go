package rules_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/rules"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func pattern(s string) rules.Pattern {
	p, err := rules.ParsePattern(s)
	if err != nil {
		panic(err)
	}
	return p
}

// log is an event of a line of a log.
func log(id, name, state string, at time.Duration) heartbeat.Event {
	return event(heartbeat.Logs, id, name, state, at)
}

func event(kind heartbeat.Kind, id, name, state string, at time.Duration) heartbeat.Event {
	return heartbeat.Event{
		ID: id, Key: heartbeat.Key{Cluster: "c", Kind: kind, Name: name}, IP: netip.MustParseAddr("10.0.0.1"),
		Is: heartbeat.Point{State: state}, At: noon.Add(at),
	}
}

// restart is a rule that restarts node1 on events of a name.
func restart(name string) rules.Rule {
	return rules.Rule{
		Name: "restart-" + name, When: rules.When{Name: pattern(name)},
		Do: rules.Do{Command: &rules.Command{Level: "services", Action: "restart", Group: "node1"}},
	}
}

// input is what is decided by, so long after noon, in the automatic cluster c and in d.
func input(at time.Duration, list ...rules.Rule) rules.Input {
	return rules.Input{
		Rules: list, Now: noon.Add(at), Automatic: map[string]bool{"c": true}, Oldest: 24 * time.Hour,
		Groups: map[string]map[string]bool{
			"c": {"all": true, "c": true, "node1": true, "10.0.0.1": true}, "d": {"all": true, "d": true, "node2": true},
		},
	}
}

// story passes what is in the outbox on, as one line a decision: RULE EVENT VERDICT.
func story(s *rules.State) string {
	var out []string
	for _, d := range s.Outbox {
		out = append(out, fmt.Sprintf("%s %s %s", d.Rule, d.Event.ID, d.Verdict))
	}
	s.Outbox = nil
	return strings.Join(out, ", ")
}

// want compares and empties the outbox.
func want(t *testing.T, s *rules.State, words string) {
	t.Helper()
	if got := story(s); got != words {
		t.Errorf("got %q, want %q", got, words)
	}
}
