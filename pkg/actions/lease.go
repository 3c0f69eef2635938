package actions

import (
	"maps"
	"slices"
	"time"
)

// Instant is a moment on a clock that runs from the boot of one machine and
// that nobody sets (CLOCK_BOOTTIME).
type Instant struct {
	Boot  string // the boot id of the machine
	Since time.Duration
}

// to returns how long after i the instant now is; false if another boot, or a
// clock that went back, lies between them.
func (i Instant) to(now Instant) (time.Duration, bool) {
	return now.Since - i.Since, i.Boot == now.Boot && now.Since >= i.Since
}

// Sighting is a claim as this manager saw it last, and when it first saw that beat.
type Sighting struct {
	Claim Claim
	First Instant
}

// Leases is what one manager knows of who is at work. It is kept on its disk,
// so that one who looks from cron can watch a lease over several looks. It
// holds no wall clock, and no instant of another machine's:
//
//	owner    may act for Lasts after the start of its last Beat that was stored
//	others   may end the lease after seeing one and the same beat for 1.5 Lasts
//
// The shared document may get lost, and with it claims that nobody else has.
// Then all wait for one lease, in which those who are at work put their claims
// into the new document or have to stop: nobody who is not in it works when the
// wait is over.
type Leases struct {
	Document string  // which one, of those that followed each other under our key
	Seen     Instant // first sight of it
	Passed   bool    // the wait after that is over
	Claims   map[ID][]Sighting
}

// Observe returns what is known after reading the document with this name and
// merging it with the own copy into q. longest is the longest lease there is; 0
// for a store that loses no documents.
func (l Leases) Observe(document string, q *Queue, now Instant, longest time.Duration) Leases {
	next := l
	if l.Document != document || l.Seen.Boot == "" {
		next.Document, next.Passed, next.Seen = document, false, now
	}
	waited, ok := next.Seen.to(now)
	switch {
	case !ok && !next.Passed:
		next.Seen = now
	case ok && waited >= longest:
		next.Passed = true
	}
	next.Claims = make(map[ID][]Sighting)
	for id, a := range q.actions {
		if !a.Progress.Working() {
			continue
		}
		for _, c := range a.Progress.Claims {
			if c.live() {
				next.Claims[id] = append(next.Claims[id], l.sighting(id, c, now))
			}
		}
	}
	return next
}

// MayClaim returns how long it is still too early to take a lease; zero or less
// for at once.
func (l Leases) MayClaim(now Instant, longest time.Duration) time.Duration {
	if l.Passed {
		return 0
	}
	waited, ok := l.Seen.to(now)
	if !ok {
		return longest
	}
	return longest - waited
}

// Lapsed tells whether c, the claim on id, may be ended by this manager, which
// has seen no other beat for long enough.
func (l Leases) Lapsed(id ID, c Claim, now Instant) bool {
	if s := l.find(id, c); s != nil && c.live() {
		waited, ok := s.First.to(now)
		return ok && waited >= c.Lasts+c.Lasts/2
	}
	return false
}

// find returns what is known of exactly that beat of c, nil for nothing.
func (l Leases) find(id ID, c Claim) *Sighting {
	for n, s := range l.Claims[id] {
		if s.Claim.Compare(c) == 0 && s.Claim.Beat == c.Beat {
			return &l.Claims[id][n]
		}
	}
	return nil
}

// sighting returns the sighting of c: the first one of this boot and beat.
func (l Leases) sighting(id ID, c Claim, now Instant) Sighting {
	if old := l.find(id, c); old != nil {
		if _, ok := old.First.to(now); ok {
			return Sighting{c, old.First}
		}
	}
	return Sighting{c, now}
}

// silent tells whether nobody can be at work on a: the leases of all who have
// not said that they stopped have lapsed.
func (l Leases) silent(a *Action, now Instant) bool {
	for _, c := range a.Progress.Claims {
		if c.live() && !l.Lapsed(a.ID, c, now) {
			return false
		}
	}
	return true
}

// lapsed returns the leases on a that have lapsed.
func (l Leases) lapsed(a *Action, now Instant) []Claim {
	var out []Claim
	for _, c := range a.Progress.Claims {
		if l.Lapsed(a.ID, c, now) {
			out = append(out, c)
		}
	}
	return out
}

// MayAct tells an owner whether it may still act. beat is when it began its
// last Take or Beat that was stored. Once it may not, it stops.
func (c Claim) MayAct(beat, now Instant) bool {
	waited, ok := beat.to(now)
	return ok && waited < c.Lasts
}

// Equal tells whether both know the same.
func (l Leases) Equal(m Leases) bool {
	return l.Document == m.Document && l.Seen == m.Seen && l.Passed == m.Passed &&
		maps.EqualFunc(l.Claims, m.Claims, slices.Equal)
}
