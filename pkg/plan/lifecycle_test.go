package plan

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"pgregory.net/rapid"
)

var now = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func lifecycle(verb, state string, powers bool) Steps {
	state, stale := strings.CutSuffix(state, "?")
	ip := netip.MustParseAddr("10.0.0.102")
	return Wish{
		Verb: verb, Service: heartbeat.Service{Cluster: "prod", Name: "node10", IP: ip}, Powers: powers,
		Machine: heartbeat.Instance{Cluster: "prod", ID: "i-1", Name: "m2", IP: ip, State: state, Stale: stale, Reason: "no answer"},
	}.Steps()
}

// told writes steps as "launch m2, start node10".
func told(s Steps) string {
	var words []string
	for _, a := range s.Drafts {
		words = append(words, a.Do.Action+" "+a.Do.Group)
	}
	return strings.Join(words, ", ")
}

func TestLifecycle(t *testing.T) {
	const start, create = command.DelayedUntilStart, command.DelayedUntilCreation
	for _, c := range []struct {
		verb, state string
		powers      bool
		want        string
		code        command.Code
		reason      string
	}{
		{"start", "running", true, "start node10", command.OK, ""},
		{"stop", "running", false, "stop node10", command.OK, ""},
		{"restart", "running", true, "restart node10", command.OK, ""},
		{"start", "absent", true, "launch m2, start node10", create, "node10 waits until machine m2 is launched: it is absent"},
		{"start", "terminated", true, "launch m2, start node10", create, "is launched: it is terminated"},
		{"start", "shutting-down", true, "launch m2, start node10", create, "is launched: it is shutting-down"},
		{"start", "absent", false, "start node10", create, "node10 waits until somebody launches machine m2: it is absent"},
		{"start", "stopped", true, "start m2, start node10", start, "node10 waits until machine m2 is started: it is stopped"},
		{"restart", "stopping", true, "start m2, restart node10", start, "is started: it is stopping"},
		{"start", "stopped", false, "start node10", start, "node10 waits until machine m2 runs: it is stopped"},
		{"start", "pending", true, "start node10", start, "node10 waits until machine m2 runs: it is pending"},
		{"start", "unreachable", false, "start node10", start, "node10 waits until machine m2 runs: it is unreachable"},
		{"start", "running?", true, "start node10", start, "node10 waits until machine m2 is seen: no answer"},
		{"start", "absent?", true, "start node10", start, "is seen"}, // launched on no old word
		{"stop", "stopped", true, "stop node10", start, "node10 waits until machine m2 runs: it is stopped"},
		{"stop", "absent", true, "stop node10", create, "node10 waits until somebody launches machine m2"},
	} {
		s := lifecycle(c.verb, c.state, c.powers)
		if told(s) != c.want || s.Code != c.code || !strings.Contains(s.Reason, c.reason) || (s.Reason == "") != (c.reason == "") {
			t.Errorf("%s, machine %s, powers %v: %s, %s, %q", c.verb, c.state, c.powers, told(s), s.Code, s.Reason)
		}
	}
}

// Whatever is seen: the queue takes the steps as one plan, the last of them is what
// was asked for and waits for the machine, a stop changes no machine, and what may
// start at once is said to.
func TestLifecycleHolds(t *testing.T) {
	states := append([]string{heartbeat.Unknown, "odd"}, actions.UsualWords().States[heartbeat.Instances]...)
	rapid.Check(t, func(t *rapid.T) {
		verb := rapid.SampledFrom([]string{"start", "stop", "restart"}).Draw(t, "verb")
		state := rapid.SampledFrom(states).Draw(t, "state")
		powers, stale := rapid.Bool().Draw(t, "powers"), rapid.Bool().Draw(t, "stale")
		if stale {
			state += "?"
		}
		s := lifecycle(verb, state, powers)
		last := s.Drafts[len(s.Drafts)-1]
		if last.Do != (command.Command{Level: "services", Action: verb, Group: "node10"}) || last.When.String() != "instances:10.0.0.102:running" {
			t.Fatalf("the last step is %+v", last)
		}
		if len(s.Drafts) > 1 && (verb == "stop" || stale || !powers) {
			t.Fatalf("%s while the machine is %s: %s", verb, state, told(s))
		}
		if ready := state == "running"; (s.Code == command.OK) != ready || (s.Reason == "") != ready {
			t.Fatalf("machine %s: %s %q", state, s.Code, s.Reason)
		}
		q := &actions.Queue{}
		added, bad := q.Add(actions.Request{
			Writer: "w", Drafts: s.Drafts, InOrder: true, Strict: true, Now: now, Limits: actions.Usual(), Words: actions.UsualWords(),
		})
		if len(bad) > 0 || len(added) != len(s.Drafts) {
			t.Fatal(added, bad)
		}
		due := q.Due(actions.Input{
			Now: now, Leases: actions.Leases{Passed: true}, Limits: actions.Usual(), Words: actions.UsualWords(),
			Status: heartbeat.Status{Instances: []heartbeat.Instance{{
				Cluster: "prod", ID: "i-1", Name: "m2", IP: last.When.IP, State: strings.TrimSuffix(state, "?"), Stale: stale, At: now,
			}}},
		}).Due
		if first := slices.Contains(due, added[0].ID); first != (s.Code == command.OK || len(s.Drafts) > 1) || len(due) > 1 {
			t.Fatalf("machine %s: due are %v of %s", state, due, told(s))
		}
	})
}
