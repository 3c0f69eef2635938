package rules

import (
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Explained is what one rule would do about an event.
type Explained struct {
	Rule    string
	Matches bool
	// Why not, where it does not match: each thing that differs.
	Mismatches []string
	Verdict    Verdict // of an event that matches
	Reason     string
	Until      time.Time // when flood control lets it fire again, or what it waits for is over; zero for now
	Cluster    string
	Do         command.Command // what it would queue; zero for an alert, and where it is refused
	What       string
}

// Waits is the verdict on an event whose rule has to wait for a while first.
const Waits Verdict = "waits"

// Explain says what each rule would do about an event that came now. Nothing changes.
func (s State) Explain(in Input, e heartbeat.Event) []Explained {
	s = s.clone()
	s.tidy(in)
	out := make([]Explained, 0, len(in.Rules))
	for _, r := range in.Rules {
		x := Explained{Rule: r.Name, Mismatches: r.When.Mismatches(e), What: r.Do.String()}
		if x.Matches = len(x.Mismatches) == 0; x.Matches {
			s.explain(in, r, e, &x)
		}
		out = append(out, x)
	}
	return out
}

// explain fills in what becomes of an event that matches.
func (s State) explain(in Input, r Rule, e heartbeat.Event, x *Explained) {
	if r.Do.Acts() {
		if cluster, do, err := r.placed(e, in); err == nil {
			x.Cluster, x.Do, x.What = cluster, do, Do{Command: &Command{do.Level, do.Action, do.Group}}.String()
		}
	}
	why, until := s.flood(r, e.Key, in.Now)
	old := in.Now.Sub(e.At)
	switch {
	case r.For > 0 && old < r.For:
		x.Verdict, x.Until = Waits, earlier(e.At, in.Now).Add(r.For)
		x.Reason = "it has to stay so for " + rough(r.For)
	case r.For == 0 && in.Oldest > 0 && old > in.Oldest:
		x.Verdict, x.Reason = Late, "it happened "+rough(old)+" ago"
	case why != "":
		x.Verdict, x.Reason, x.Until = KeptBack, why, until
	default:
		x.Verdict, x.Reason = in.judge(r, e)
	}
}
