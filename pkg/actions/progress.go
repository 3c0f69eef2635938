package actions

import (
	"cmp"
	"strings"
	"time"
)

// Failure is the end of an attempt that was not a success.
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
	Claims    Claims  // the greatest
	Failure   Failure // the greatest
	Cancelled bool
	Done      bool
	Renewed   time.Time // of the last retry: what it is given to wait counts from there
	Ended     time.Time // when it was done or cancelled
}

// merge joins two copies, part by part.
func (p Progress) merge(q Progress) Progress {
	p.Epoch = max(p.Epoch, q.Epoch)
	p.Claims = p.Claims.merge(q.Claims)
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

// Claim returns the lease that counts; Try is 0 where nobody has had one.
func (p Progress) Claim() Claim { return p.Claims[0] }

// try and failed are the last attempt and the last failed one of this epoch.
func (p Progress) try() uint64 {
	if c := p.Claim(); c.Epoch == p.Epoch {
		return c.Try
	}
	return 0
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

// Working tells whether somebody may be at work on it, whatever its state: an
// owner that has not said that it stopped, and has not been silent for too long.
func (p Progress) Working() bool {
	for n := range p.Claims {
		if p.Claims[n].live() {
			return true
		}
	}
	return false
}
