package actions

import "time"

// Take gives the lease to owner for one more attempt. at is the owner's wall clock.
func (p Progress) Take(owner string, lasts time.Duration, at time.Time) (Progress, error) {
	if err := p.allow(MoveClaim); err != nil {
		return p, err
	}
	if p.Working() {
		return p, &Refused{Move: MoveClaim, From: p.State(), Reason: "somebody may still be at work on it"}
	}
	p.Claims = p.Claims.merge(Claims{{
		Epoch: p.Epoch, Try: max(p.try(), p.failed().Try) + 1, Owner: owner, Beat: 1, Lasts: lasts, Since: at,
	}})
	return p, nil
}

// Beat says that the owner of c is still at work. A refusal means that c no
// longer counts, or that the action was cancelled or is done: the owner stops,
// and says so with Stop.
func (p Progress) Beat(c Claim) (Progress, error) {
	if err := p.owned(c, MoveBeat); err != nil {
		return p, err
	}
	p.Claims[0].Beat++
	return p, nil
}

// Fail ends the attempt c as f says, which Limits.Judge made; its owner has
// stopped first. A failure that comes after the lease was lost is refused.
func (p Progress) Fail(c Claim, f Failure) (Progress, error) {
	move := MoveFail
	if f.Final {
		move = MoveGiveUp
	}
	if err := p.owned(c, move); err != nil {
		return p, err
	}
	return p.record(f), nil
}

// Stop says that the owner of c, which does not count any more, is not at work.
// It has stopped first: others begin as soon as this is stored.
func (p Progress) Stop(c Claim) (Progress, error) {
	f := p.Claims.find(c)
	switch {
	case f == nil || f.Ended:
		return p, &Refused{Move: MoveStop, From: p.State(), Reason: "that was known already"}
	case p.State() == Running && p.Claim().Compare(c) == 0:
		return p, &Refused{Move: MoveStop, From: Running, Reason: "its lease counts"}
	}
	p.Claims = p.Claims.end(c)
	return p, nil
}

// Lapse ends the lease of an owner that stopped beating; seen is the claim that
// was watched, to the beat. Leases.Lapsed says when this is allowed.
func (p Progress) Lapse(seen Claim, f Failure) (Progress, error) {
	c := p.Claims.find(seen)
	if c == nil || c.Ended || c.Beat != seen.Beat {
		return p, &Refused{Move: MoveLapse, From: p.State(), Reason: "its owner has moved since"}
	}
	if p.State() == Running && p.Claim().Compare(seen) == 0 {
		return p.record(f), nil
	}
	p.Claims = p.Claims.end(seen)
	return p, nil
}

// Finish records that what the action wanted is so. c is the attempt that found
// it out, and is over. It may have lost its lease: a verified success is a fact.
func (p Progress) Finish(c Claim, at time.Time) (Progress, error) {
	if err := p.allow(MoveFinish); err != nil {
		return p, err
	}
	if c.Try == 0 {
		return p, &Refused{Move: MoveFinish, From: p.State(), Reason: "nobody has tried it"}
	}
	if !p.Done {
		p.Done, p.Ended = true, later(p.Ended, at)
	}
	p.Claims = p.Claims.end(c)
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
	f := Failure{Epoch: p.Epoch, Try: max(p.try(), p.failed().Try), Final: true, Err: reason, Times: p.failed().Times}
	p.Failure = f
	return p, nil
}

// owned refuses who does not hold the lease that counts.
func (p Progress) owned(c Claim, m Move) error {
	if err := p.allow(m); err != nil {
		return err
	}
	if top := p.Claim(); top.Compare(c) != 0 || top.Ended {
		return &Refused{Move: m, From: p.State(), Reason: "the lease is with " + top.Owner}
	}
	return nil
}

// record makes f the failure of the last attempt, which is over.
func (p Progress) record(f Failure) Progress {
	f.Epoch, f.Try = p.Epoch, max(p.try(), p.failed().Try)
	p.Failure = f
	if c := p.Claim(); c.Epoch == p.Epoch {
		p.Claims = p.Claims.end(c)
	}
	return p
}
