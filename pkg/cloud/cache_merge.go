package cloud

import (
	"fmt"
	"time"
)

// lay lays a new listing over what was known. It is pure.
//
//   - What the listing did not come to keeps what was known of it, stale.
//   - An instance that was known and is not listed is stale for one complete
//     listing and gone with the second, unless the provider's last word was that
//     it is being removed: then it is gone.
//   - An instance that was launched and never listed is pending while it settles.
//
// Of two listings made at the same time only one counts an instance as missing:
// both may come from the same bad moment of the provider.
func (d cacheDocument) lay(l Listing) cacheDocument {
	known := make(map[string]cacheEntry, len(d.Instances))
	for _, e := range d.Instances {
		known[e.Name] = e
	}
	later := l.At.After(d.Fetched)
	next := d
	next.Instances = make([]cacheEntry, 0, len(l.Instances))
	for _, i := range l.Instances {
		was, ok := known[i.Name]
		switch {
		case !ok:
			next.Instances = append(next.Instances, entryOf(i))
		case was.Seen.After(l.At):
			// Whoever acted or listed after this listing began knows better.
			next.Instances = append(next.Instances, was)
		case i.Stale:
			next.Instances = append(next.Instances, was.notListed(i.Reason))
		case i.State == StateAbsent:
			next.Instances = append(next.Instances, was.missing(i, later))
		default:
			next.Instances = append(next.Instances, entryOf(i))
		}
	}
	next.Complete = l.Complete
	if l.Complete && later {
		next.Fetched = l.At
	}
	return next
}

// notListed is an entry that a failed listing did not come to.
func (c cacheEntry) notListed(why string) cacheEntry {
	c.Stale, c.Reason = true, why
	return c
}

// missing is an entry that a complete listing does not have.
func (c cacheEntry) missing(now Instance, counts bool) cacheEntry {
	was := c.instance()
	switch {
	case c.State == StateAbsent || c.State == "" || was.ending():
		return entryOf(now)
	case c.Unlisted && now.Seen.Sub(c.Seen) < Settling:
		c.Reason = fmt.Sprintf("launched %s ago, not listed yet", now.Seen.Sub(c.Seen).Truncate(time.Second))
		return c
	case c.Missing > 0 && counts:
		return entryOf(now)
	}
	c.Missing, c.Stale = 1, false
	c.Reason = "missing from the last listing; the next one decides whether it is gone"
	return c
}

// acted puts what an action learned into the document. launched says that it was
// launched by it.
func (d cacheDocument) acted(i Instance, launched bool) cacheDocument {
	e := entryOf(i)
	e.Unlisted = launched && i.State == StatePending
	next := d
	next.Instances = append([]cacheEntry(nil), d.Instances...)
	for n := range next.Instances {
		if was := next.Instances[n]; was.Name == i.Name {
			e.Unlisted = e.Unlisted && (was.ID != e.ID || was.Unlisted)
			next.Instances[n] = e
			return next
		}
	}
	next.Instances = append(next.Instances, e)
	return next
}
