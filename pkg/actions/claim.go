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
	Owner string // one process of one manager: never the same after a restart
	Beat  uint64 // grows while the owner is at work
	Ended bool   // the owner has stopped, or stopped beating
	// Lasts is how long the owner may act after a beat. It measures, and is
	// measured, on a clock that nobody sets.
	Lasts time.Duration
	Since time.Time // by the owner's wall clock, for people
}

// Term orders attempts: what runs on a machine refuses a lower one.
func (c Claim) Term() (epoch, try uint64) { return c.Epoch, c.Try }

// Compare orders leases, whatever beat is known of them.
func (c Claim) Compare(d Claim) int {
	return cmp.Or(cmp.Compare(c.Epoch, d.Epoch), cmp.Compare(c.Try, d.Try), strings.Compare(c.Owner, d.Owner))
}

// live tells whether its owner may be at work.
func (c Claim) live() bool { return c.Try > 0 && !c.Ended }

// merge joins what two copies know of one lease.
func (c Claim) merge(d Claim) Claim {
	c.Beat, c.Ended = max(c.Beat, d.Beat), c.Ended || d.Ended
	c.Lasts, c.Since = max(c.Lasts, d.Lasts), later(c.Since, d.Since)
	return c
}

// Claims are the greatest leases on an action, the greatest first: that one
// counts. Of the others there is one at most whose owner is still at work. It
// was given in a document that knew nothing of the greatest, and its owner
// learns at the next beat that it has to stop; until then nobody may begin.
type Claims [3]Claim

// merge joins two lists. The order does not look at beats: what one copy leaves
// out must be left out by every copy it gets into.
func (cs Claims) merge(ds Claims) Claims {
	if cs == ds {
		return cs
	}
	var out Claims
	i, j := 0, 0
	for n := range out {
		switch c := cs[i].Compare(ds[j]); {
		case c > 0:
			out[n] = cs[i]
			i++
		case c < 0:
			out[n] = ds[j]
			j++
		default:
			out[n] = cs[i].merge(ds[j])
			i++
			j++
		}
	}
	return out
}

// find returns the lease that c is.
func (cs *Claims) find(c Claim) *Claim {
	for n := range cs {
		if c.Try > 0 && cs[n].Compare(c) == 0 {
			return &cs[n]
		}
	}
	return nil
}

// end returns the list in which the lease of c has ended.
func (cs Claims) end(c Claim) Claims {
	if f := cs.find(c); f != nil {
		f.Ended = true
	}
	return cs
}
