package actions

import (
	"cmp"
	"strings"
	"time"
)

// Claim is a lease on an action, or was one.
type Claim struct {
	Epoch uint64
	Try   uint64 // from 1; 0 for no claim
	Beat  uint64 // grows while the owner is at work
	Owner string // one process of one manager: never the same after a restart
	// Lasts is how long the owner may act after a beat. It measures, and is
	// measured, on a clock that nobody sets.
	Lasts time.Duration
	Since time.Time // by the owner's wall clock, for people
}

// Term orders attempts: what runs on a machine refuses a lower one.
func (c Claim) Term() (epoch, try uint64) { return c.Epoch, c.Try }

// same tells whether both are the same lease, whatever beat they know of.
func (c Claim) same(d Claim) bool {
	return c.Epoch == d.Epoch && c.Try == d.Try && c.Owner == d.Owner
}

// Compare orders claims: the greater one of two copies counts.
func (c Claim) Compare(d Claim) int {
	return cmp.Or(
		cmp.Compare(c.Epoch, d.Epoch), cmp.Compare(c.Try, d.Try), cmp.Compare(c.Beat, d.Beat),
		strings.Compare(c.Owner, d.Owner), cmp.Compare(c.Lasts, d.Lasts), c.Since.Compare(d.Since),
	)
}

// Failure is the end of an attempt. That of a success repeats what went wrong before.
type Failure struct {
	Epoch uint64
	Try   uint64 // the attempt it ended; 0 for an action parked before any
	Final bool   // it is not tried again by itself
	Err   string
	Times uint64 // how many attempts of this epoch failed; waiting is no failure
	// NotBefore is when it is tried next, and Delay how long that was ahead: a
	// clock that shows more than Delay to go is not the one that set it.
	NotBefore time.Time
	Delay     time.Duration
}

// Compare orders failures: the greater one of two copies counts.
func (f Failure) Compare(g Failure) int {
	return cmp.Or(
		cmp.Compare(f.Epoch, g.Epoch), cmp.Compare(f.Try, g.Try), compareBool(f.Final, g.Final), strings.Compare(f.Err, g.Err),
		cmp.Compare(f.Times, g.Times), f.NotBefore.Compare(g.NotBefore), cmp.Compare(f.Delay, g.Delay),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// Progress is what merges of an action; each part on its own, so that no order
// of merging can lose a success, or take a failure of a later attempt for one.
type Progress struct {
	Epoch     uint64  // grows with every retry
	Claim     Claim   // the greatest
	Failure   Failure // the greatest
	Cancelled bool
	Done      bool
	Renewed   time.Time // of the last retry: what it is given to wait counts from there
	Ended     time.Time // when it was done or cancelled
}

// merge joins two copies, part by part.
func (p Progress) merge(q Progress) Progress {
	p.Epoch = max(p.Epoch, q.Epoch)
	if p.Claim.Compare(q.Claim) < 0 {
		p.Claim = q.Claim
	}
	if p.Failure.Compare(q.Failure) < 0 {
		p.Failure = q.Failure
	}
	p.Cancelled = p.Cancelled || q.Cancelled
	p.Done = p.Done || q.Done
	p.Renewed = later(p.Renewed, q.Renewed)
	p.Ended = later(p.Ended, q.Ended)
	return p
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// try and failed are the last attempt and the last failed one of this epoch.
func (p Progress) try() uint64 {
	if p.Claim.Epoch != p.Epoch {
		return 0
	}
	return p.Claim.Try
}

func (p Progress) failed() Failure {
	if p.Failure.Epoch != p.Epoch {
		return Failure{Epoch: p.Epoch}
	}
	return p.Failure
}

// State derives the state.
func (p Progress) State() State {
	failed := p.failed()
	switch {
	case p.Done:
		return Done
	case p.Cancelled:
		return Cancelled
	case failed.Final && failed.Try >= p.try():
		return Failed
	case p.try() > failed.Try:
		return Running
	}
	return Waiting
}

// Working tells whether somebody may be at work on it: it runs, or it was
// cancelled, or done by an earlier owner, and the one who has the lease has not
// said that he stopped.
func (p Progress) Working() bool { return p.try() > p.failed().Try }
