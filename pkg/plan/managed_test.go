package plan

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// shown writes all steps as "launch m1 due, install db1 waits".
func shown(s Steps) string {
	var words []string
	for _, step := range s.All {
		words = append(words, step.Do.Action+" "+step.Do.Group+" "+string(step.State))
	}
	return strings.Join(words, ", ")
}

func TestManagedStart(t *testing.T) {
	missing := []Known{{Verb: "bootstrap_binaries"}, {Verb: "install"}}
	half := []Known{{Verb: "bootstrap_binaries", Done: true}, {Verb: "install", Reason: "no data directory"}}
	all := []Known{{Verb: "bootstrap_binaries", Done: true}, {Verb: "install", Done: true}}
	for _, c := range []struct {
		verb, state string
		before      []Known
		up          bool
		want        string
	}{
		{"start", "absent", missing, false, "launch m1 due, bootstrap_binaries db1 waits, install db1 waits, start db1 waits"},
		{"start", "stopped", missing, false, "start m1 due, bootstrap_binaries db1 waits, install db1 waits, start db1 waits"},
		{"start", "pending", missing, false, "bootstrap_binaries db1 waits, install db1 waits, start db1 waits"},
		{"start", "running", missing, false, "bootstrap_binaries db1 due, install db1 waits, start db1 waits"},
		{"start", "running", half, false, "bootstrap_binaries db1 done, install db1 due, start db1 waits"},
		{"start", "running", half, true, "bootstrap_binaries db1 done, install db1 due, start db1 waits"},
		{"start", "running", all, false, "bootstrap_binaries db1 done, install db1 done, start db1 due"},
		{"start", "running", all, true, "bootstrap_binaries db1 done, install db1 done, start db1 done"},
		{"stop", "running", missing, true, "stop db1 due"},
		{"restart", "stopped", missing, false, "start m1 due, restart db1 waits"},
		{"install", "running", missing, true, "install db1 due"},
	} {
		w := Wish{Verb: c.verb, Service: heartbeat.Service{Name: "db1"}, Machine: heartbeat.Instance{Name: "m1", State: c.state}, Powers: true, Before: c.before, Up: c.up}
		if got := shown(w.Steps()); got != c.want {
			t.Errorf("%s while the machine is %s: %s, want %s", c.verb, c.state, got, c.want)
		}
	}
}

// Whatever is seen: what is queued is what is not done, in the order of all steps; one
// step at most may start now; and where nothing is queued everything is done.
func TestStepsHold(t *testing.T) {
	states := append([]string{heartbeat.Unknown}, actions.UsualWords().States[heartbeat.Instances]...)
	rapid.Check(t, func(t *rapid.T) {
		w := Wish{
			Verb: "start", Service: heartbeat.Service{Cluster: "c", Name: "db1"}, Powers: rapid.Bool().Draw(t, "powers"),
			Machine: heartbeat.Instance{Name: "m1", State: rapid.SampledFrom(states).Draw(t, "state"), Stale: rapid.Bool().Draw(t, "stale")},
			Before:  []Known{{Verb: "bootstrap_binaries", Done: rapid.Bool().Draw(t, "binaries")}, {Verb: "install", Done: rapid.Bool().Draw(t, "install")}},
			Up:      rapid.Bool().Draw(t, "up"),
		}
		s := w.Steps()
		due, next := 0, 0
		for _, step := range s.All {
			if step.State == StepDone {
				continue
			}
			if step.State == StepDue {
				due++
				if next > 0 {
					t.Fatalf("due before what comes first: %s", shown(s))
				}
			}
			if next == len(s.Drafts) || s.Drafts[next].Do != step.Do {
				t.Fatalf("queued are %s, shown %s", told(s), shown(s))
			}
			next++
		}
		if next != len(s.Drafts) || due > 1 {
			t.Fatalf("queued are %s, shown %s", told(s), shown(s))
		}
		if s.Code == command.OK && len(s.Drafts) > 0 && due != 1 {
			t.Fatalf("nothing may start: %s", shown(s))
		}
	})
}
