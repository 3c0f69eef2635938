package actions

import "time"

// Take gives the lease to owner for one more attempt. at is the owner's wall clock.
func (p Progress) Take(owner string, lasts time.Duration, at time.Time) (Progress, error) {
	if err := p.allow(MoveClaim); err != nil {
		return p, err
	}
	p.Claim = Claim{
		Epoch: p.Epoch, Try: max(p.try(), p.failed().Try) + 1, Beat: 1,
		Owner: owner, Lasts: lasts, Since: at,
	}
	return p, nil
}

// Beat says that the owner of c is still at work. A refusal means that it no
// longer is the owner, or that the action was cancelled: it stops.
func (p Progress) Beat(c Claim) (Progress, error) {
	if err := p.allow(MoveBeat); err != nil {
		return p, err
	}
	if err := p.owned(c, MoveBeat); err != nil {
		return p, err
	}
	p.Claim.Beat++
	return p, nil
}

// Fail ends the attempt c as f says, which Limits.Judge made. A failure that
// comes after the lease was lost is refused. Of what is cancelled, or was done
// by somebody else, it says only that the owner has stopped.
func (p Progress) Fail(c Claim, f Failure) (Progress, error) {
	move := MoveFail
	if f.Final && !p.State().Finished() {
		move = MoveGiveUp
	}
	if err := p.allow(move); err != nil {
		return p, err
	}
	if err := p.owned(c, move); err != nil {
		return p, err
	}
	return p.record(f), nil
}

// Lapse ends the attempt of an owner that stopped beating; seen is the claim
// that was watched, to the beat. Leases.Lapsed says when this is allowed.
func (p Progress) Lapse(seen Claim, f Failure) (Progress, error) {
	if err := p.allow(MoveLapse); err != nil {
		return p, err
	}
	if !p.Working() || p.Claim.Compare(seen) != 0 {
		return p, &Refused{Move: MoveLapse, From: p.State(), Reason: "its owner has moved since"}
	}
	return p.record(f), nil
}

// Finish records that the owner of c, who still may act, verified that what the
// action wanted is so.
func (p Progress) Finish(c Claim, at time.Time) (Progress, error) {
	q, err := p.FinishLate(c, at)
	if err == nil && p.owned(c, MoveFinish) == nil {
		before := p.failed()
		q = q.record(Failure{Err: before.Err, Times: before.Times})
	}
	return q, err
}

// FinishLate is Finish by one whose lease is over, or who cannot reach the
// shared copy: a verified success is a fact. Somebody else may have the lease by
// now, who is not known here; he is taken to be at work until he says that he
// stopped, or stops beating.
func (p Progress) FinishLate(c Claim, at time.Time) (Progress, error) {
	if err := p.allow(MoveFinish); err != nil {
		return p, err
	}
	if c.Try == 0 {
		return p, &Refused{Move: MoveFinish, From: p.State(), Reason: "nobody has tried it"}
	}
	if !p.Done {
		p.Done, p.Ended = true, later(p.Ended, at)
	}
	return p, nil
}

// Cancel gives the action up for good. Cancelling twice changes nothing.
func (p Progress) Cancel(at time.Time) (Progress, error) {
	if p.State() == Cancelled {
		return p, nil
	}
	if err := p.allow(MoveCancel); err != nil {
		return p, err
	}
	p.Cancelled, p.Ended = true, later(p.Ended, at)
	return p, nil
}

// Retry lets a failed action wait again, in the next epoch.
func (p Progress) Retry(at time.Time) (Progress, error) {
	if err := p.allow(MoveRetry); err != nil {
		return p, err
	}
	p.Epoch++
	p.Renewed = later(p.Renewed, at)
	return p, nil
}

// Park gives up an action that waits in vain, until somebody retries it.
func (p Progress) Park(reason string) (Progress, error) {
	if err := p.allow(MovePark); err != nil {
		return p, err
	}
	return p.record(Failure{Final: true, Err: reason, Times: p.failed().Times}), nil
}

// owned refuses who does not hold the lease.
func (p Progress) owned(c Claim, m Move) error {
	switch {
	case !p.Working():
		return &Refused{Move: m, From: p.State(), Reason: "nobody is at work on it"}
	case !p.Claim.same(c):
		return &Refused{Move: m, From: p.State(), Reason: "the lease went to " + p.Claim.Owner}
	}
	return nil
}

// record makes f the failure of the last attempt.
func (p Progress) record(f Failure) Progress {
	f.Epoch, f.Try = p.Epoch, max(p.try(), p.failed().Try)
	p.Failure = f
	return p
}
