package actions

import (
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// judge holds what is looked up while a queue is judged.
type judge struct {
	in       Input
	q        *Queue
	x        *index
	open     []*Action
	first    map[planKey]*Action // of each plan the first that is not done
	unread   map[planKey]ID      // of each plan an entry that could not be read
	started  map[startedKey]ID   // machines that a plan had started before this manager looked
	holds    holdsOf
	machines map[place]*Hold // with a held service on them
	locks    lockTable
	triggers map[triggerKey]answer
}

type startedKey struct {
	planKey
	machine string
}

type triggerKey struct {
	cluster, instance string
	when              Trigger
}

// answer is whether something is as it should be, else why not.
type answer struct {
	ok     bool
	reason string
}

func newJudge(q *Queue, in Input) *judge {
	j := &judge{
		in: in, q: q, x: newIndex(in.Status), open: q.openOf(), first: make(map[planKey]*Action),
		started: make(map[startedKey]ID), holds: q.holdsAt(in.Now), locks: make(lockTable, len(q.actions)),
		triggers: make(map[triggerKey]answer, len(q.actions)), unread: make(map[planKey]ID, len(q.unread)),
	}
	for _, u := range q.unread {
		j.unread[planKey{u.Cluster, u.Plan}] = u.ID
	}
	j.machines = j.x.machinesOf(j.holds)
	for _, a := range q.actions {
		if a.Plan == "" {
			continue
		}
		if a.State() == Done {
			j.noteStarted(a)
		} else if f := j.first[a.planKey()]; f == nil || a.ID.Compare(f.ID) < 0 {
			j.first[a.planKey()] = a
		}
	}
	for _, a := range j.open {
		if a.Progress.Working() && !in.Leases.silent(a, in.Clock) {
			j.lock(a)
		}
	}
	return j
}

// noteStarted remembers a machine that a plan started, if the status is from after that.
func (j *judge) noteStarted(a *Action) {
	if machine, ok := j.startedBy(a); ok {
		j.started[startedKey{a.planKey(), machine}] = a.ID
	}
}

// startedBy returns the machine that a had started when this manager began to look.
func (j *judge) startedBy(a *Action) (string, bool) {
	if v := j.in.Words.verb(a.Do.Level, a.Do.Action); !v.Starts || j.in.Began == nil {
		return "", false
	}
	then, known := j.in.Began.Get(a.ID)
	if !known || then.State() != Done {
		return "", false
	}
	return j.x.target(a).machine, true
}

func (j *judge) lock(a *Action) (lock, holder, bool) {
	v := j.in.Words.verb(a.Do.Level, a.Do.Action)
	return j.locks.take(a.ID, wants(v, j.x.target(a)))
}

// waiting judges an action that waits. What parks or cancels it comes first,
// then what is most worth telling.
func (j *judge) waiting(a *Action, v *Verdict) {
	for _, rule := range []func(*judge, *Action, *Verdict){
		(*judge).forgotten, (*judge).expired, (*judge).before, (*judge).isolated, (*judge).gone, (*judge).stopped,
		(*judge).held, (*judge).trigger, (*judge).early, (*judge).quarantined, (*judge).locked,
	} {
		if rule(j, a, v); v.Why != "" {
			return
		}
	}
}

func (j *judge) expired(a *Action, v *Verdict) {
	if d := a.Deadline(); !d.IsZero() && j.in.Now.After(d) {
		v.Why, v.Then = WhyExpired, MovePark
		v.Reason = "it waited until " + clock(d) + ": " + j.unmet(a)
	}
}

// unmet says what a waited for in vain.
func (j *judge) unmet(a *Action) string {
	if t := j.met(a); !t.ok {
		return t.reason
	}
	return "nothing but its turn"
}

// forgotten parks what comes after something that was pruned while this one was
// not known where that happened. Whoever retries it has read why.
func (j *judge) forgotten(a *Action, v *Verdict) {
	for _, id := range a.After {
		if _, ok := j.q.actions[id]; !ok && j.q.Seen(id) && a.Progress.Epoch == 0 {
			v.Why, v.Then = WhyAfter, MovePark
			v.Reason = id.String() + ", which comes before it, was over so long ago that nobody knows whether it was done; retry runs it all the same"
		}
	}
}

// before looks at what is to be done first.
func (j *judge) before(a *Action, v *Verdict) {
	if f := j.first[a.planKey()]; a.Plan != "" && f != nil && f.ID != a.ID {
		j.behind(f, v)
		return
	}
	if id, some := j.unread[a.planKey()]; some && a.Plan != "" {
		v.Why, v.Reason = WhyAfter, "waits for "+id.String()+" of its plan, which this clmgr cannot read"
		return
	}
	for _, id := range a.After {
		b, ok := j.q.actions[id]
		switch {
		case !ok && j.q.Seen(id): // and somebody said that it may run all the same
		case !ok:
			v.Why, v.Reason = WhyAfter, "waits for "+id.String()+", which is not known here"
			return
		case b.State() != Done:
			j.behind(b, v)
			return
		}
	}
}

func (j *judge) behind(b *Action, v *Verdict) {
	v.Why = WhyAfter
	switch b.State() {
	case Cancelled:
		v.Then, v.Reason = MoveCancel, b.ID.String()+", which comes before it, was cancelled"
	case Failed:
		v.Reason = "waits for " + b.ID.String() + ", which failed: " + b.Progress.Failure.Err
	default:
		v.Reason = "waits for " + b.ID.String() + ", which is " + string(b.State())
	}
}

func (j *judge) isolated(a *Action, v *Verdict) {
	if reason, yes := j.x.isolated[a.Cluster]; yes {
		v.Why, v.Reason = WhyIsolated, "this manager is cut off from "+a.Cluster+": "+reason
	}
}

// gone parks what was queued for a machine that is not there any more.
func (j *judge) gone(a *Action, v *Verdict) {
	if a.Instance == "" {
		return
	}
	if verb := j.in.Words.verb(a.Do.Level, a.Do.Action); verb.Ends {
		return
	}
	reason := ""
	if n, ok := j.x.ids[label{a.Cluster, a.Instance}]; ok {
		if i := &j.x.status.Instances[n]; !i.Stale && gone(i.State) {
			reason = "it is " + i.State
		}
	} else if i := j.x.at(a.Cluster, a.When.IP); i != nil && !i.Stale {
		reason = a.When.IP.String() + " is now " + i.ID + ", " + i.State
	}
	if reason != "" {
		v.Why, v.Then, v.Reason = WhyGone, MovePark, "it was queued for machine "+a.Instance+": "+reason
	}
}

// stopped parks what waits for a machine that was started for it and that
// somebody stopped since: that was on purpose, and is not undone.
func (j *judge) stopped(a *Action, v *Verdict) {
	if a.When.Kind != heartbeat.Instances || a.When.State != heartbeat.Running || j.in.Began == nil {
		return
	}
	i := j.subject(a)
	if i == nil || i.Stale || i.State != heartbeat.Stopped && i.State != heartbeat.Stopping {
		return
	}
	by, yes := j.started[startedKey{a.planKey(), a.When.IP.String()}]
	for _, id := range a.After {
		if b, ok := j.q.actions[id]; ok && b.State() == Done && !yes {
			machine, started := j.startedBy(b)
			by, yes = id, started && machine == a.When.IP.String()
		}
	}
	if yes {
		v.Why, v.Then = WhyStopped, MovePark
		v.Reason = a.When.IP.String() + " was started by " + by.String() + " and is " + i.State + " again: somebody stopped it"
	}
}

func (j *judge) held(a *Action, v *Verdict) {
	if h := j.x.held(j.holds, j.machines, j.x.target(a)); h != nil {
		v.Why, v.Reason = WhyHold, h.String()
	}
}

func (j *judge) trigger(a *Action, v *Verdict) {
	if t := j.met(a); !t.ok {
		v.Why, v.Reason = WhyTrigger, t.reason
	}
}

func (j *judge) early(a *Action, v *Verdict) {
	f := a.Progress.failed()
	switch {
	case ahead(f.NotBefore, f.Delay, j.in.Now):
		v.Why, v.Until, v.Reason = WhyDelay, f.NotBefore, "is tried again at "+clock(f.NotBefore)+": "+f.Err
	case ahead(a.NotBefore, a.NotBefore.Sub(a.Created), j.in.Now):
		v.Why, v.Until, v.Reason = WhyDelay, a.NotBefore, "is not to start before "+clock(a.NotBefore)
	}
}

func (j *judge) quarantined(_ *Action, v *Verdict) {
	if left := j.in.Leases.MayClaim(j.in.Clock, j.in.Limits.Lease); left > 0 {
		v.Why = WhyLease
		v.Reason = "waits for " + left.Round(time.Second).String() + ", so that whoever is at work on it can say so: the shared queue is new"
	}
}

func (j *judge) locked(a *Action, v *Verdict) {
	if l, by, free := j.lock(a); !free {
		v.Why, v.Reason = WhyLock, "waits for "+by.id.String()+" to be through with "+l.String()
	}
}

// clock writes a time for people.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
