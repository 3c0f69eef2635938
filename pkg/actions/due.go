package actions

import (
	"slices"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Input is what Due judges by.
type Input struct {
	Status heartbeat.Status // of all clusters, joined
	// Began is the queue as this manager's own copy held it before it looked.
	// Only of what was done before that can the status tell that it was undone.
	// Nil where that is not known.
	Began  *Queue
	Now    time.Time // wall clock: only for delays and for what is parked
	Clock  Instant   // the clock that leases are measured on
	Leases Leases
	Limits Limits
	Words  Words
}

// Reasons why an action does not start.
const (
	WhyTrigger  = "trigger"  // its trigger is not true
	WhyAfter    = "after"    // what comes before it is not done
	WhyHold     = "hold"     // somebody holds the group
	WhyDelay    = "delay"    // it is too early
	WhyIsolated = "isolated" // this manager is cut off
	WhyLease    = "lease"    // after a lost document nobody claims for a while
	WhyLock     = "lock"     // somebody else is at work there
	WhyRunning  = "running"  // somebody is at work on it
	WhyFailed   = "failed"   // it was given up or parked
	WhyExpired  = "expired"  // it waited for too long
	WhyGone     = "gone"     // the machine it was queued for is not there any more
	WhyStopped  = "stopped"  // somebody stopped the machine that its plan had started
)

// Verdict is what Due says of one unfinished action.
type Verdict struct {
	ID     ID
	State  State
	Due    bool
	Then   Move      // what Settle is to do with it: park, cancel or lapse; empty for nothing
	Why    string    // one of the Why words; empty if it is due
	Reason string    // in one line, for people
	Until  time.Time // of WhyDelay
}

// Report is what may start and why everything else does not.
type Report struct {
	Due      []ID      // in the order in which to start them
	Verdicts []Verdict // of every action that is not finished or to be settled, the oldest first
}

// Of returns the verdict on one action.
func (r Report) Of(id ID) (Verdict, bool) {
	for _, v := range r.Verdicts {
		if v.ID == id {
			return v, true
		}
	}
	return Verdict{}, false
}

// Due judges every unfinished action: what is due may start now, all of it at
// once. An action is due while its trigger is true, whether or not anybody saw
// it become true. What is stale makes no trigger true. The cost is linear, but
// for putting the actions in order.
func (q *Queue) Due(in Input) Report {
	j := newJudge(q, in)
	report := Report{Verdicts: make([]Verdict, 0, len(j.open))}
	for _, a := range j.open {
		v := Verdict{ID: a.ID, State: a.State()}
		switch lapsed := in.Leases.lapsed(a, in.Clock); {
		case len(lapsed) > 0:
			v.Then, v.Why, v.Reason = MoveLapse, WhyRunning, lapsed[0].Owner+" stopped beating"
		case v.State == Running && !a.Progress.Working():
			v.Then, v.Why, v.Reason = MoveLapse, WhyRunning, "nobody is at work on it"
		case v.State.Finished():
			continue // its owner has not said that it stopped
		case v.State == Running:
			v.Why, v.Reason = WhyRunning, a.Progress.Claim().Owner+" is at work on it since "+clock(a.Progress.Claim().Since)
		case v.State == Failed:
			v.Why, v.Reason = WhyFailed, a.Progress.Failure.Err
		case a.Progress.Working():
			v.Why, v.Reason = WhyRunning, "somebody may still be at work on it under a lease that does not count any more"
		default:
			j.waiting(a, &v)
		}
		if v.Due = v.Why == ""; v.Due {
			report.Due = append(report.Due, a.ID)
		}
		report.Verdicts = append(report.Verdicts, v)
	}
	return report
}

// Settled is one thing that Settle did.
type Settled struct {
	ID     ID
	Move   Move
	Reason string
}

// Settle does what the report of this queue says is to be done without
// starting anything: it parks, cancels successors of what was cancelled, and
// ends leases that lapsed. If it did something, Due has more to say.
func (q *Queue) Settle(r Report, in Input) []Settled {
	var out []Settled
	for _, v := range r.Verdicts {
		if v.Then == "" {
			continue
		}
		err := q.Change(v.ID, func(a Action) (Progress, error) {
			switch v.Then {
			case MoveCancel:
				return a.Progress.Cancel(in.Now)
			case MoveLapse:
				return in.lapse(a)
			}
			return a.Progress.Park(v.Reason)
		})
		if err == nil { // a refusal: it is no longer what the report saw
			out = append(out, Settled{v.ID, v.Then, v.Reason})
		}
	}
	return out
}

// lapse ends all leases on a that have lapsed.
func (in Input) lapse(a Action) (Progress, error) {
	p, err := a.Progress, error(nil)
	if p.State() == Running && !p.Working() { // no history of ours comes to this
		return p.record(in.Limits.Lapsed(p)), nil
	}
	for _, c := range in.Leases.lapsed(&a, in.Clock) {
		if p, err = p.Lapse(c, in.Limits.Lapsed(p)); err != nil {
			return p, err
		}
	}
	return p, nil
}

// openOf returns the actions that are not over, the oldest first.
func (q *Queue) openOf() []*Action {
	out := make([]*Action, 0, len(q.actions))
	for _, a := range q.actions {
		if !a.State().Finished() || a.Progress.Working() {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, byAge)
	return out
}
