package cloud

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"
)

// cacheVersion is the version of the document this program writes.
const cacheVersion = 1

// cacheDocument is what is known of a cluster's machines from the provider's API,
// shared by all who look at the cluster.
type cacheDocument struct {
	Version int    `json:"version"`
	Scope   string `json:"scope"` // of the driver that listed
	// Fetched is when the last complete listing was asked for; Complete says
	// that none has failed since.
	Fetched   time.Time    `json:"fetched,omitzero"`
	Complete  bool         `json:"complete"`
	Instances []cacheEntry `json:"instances"`
	Calls     []minute     `json:"calls"` // of the API, oldest first
}

type cacheEntry struct {
	ID     string     `json:"id"`
	Name   string     `json:"name"`
	IP     netip.Addr `json:"ip,omitzero"`
	State  string     `json:"state"`
	Seen   time.Time  `json:"seen"`
	Reason string     `json:"reason,omitempty"`
	// Unlisted says that the instance is known from its launch only.
	Unlisted bool `json:"unlisted,omitempty"`
	// Missing is how many complete listings in a row did not have it.
	Missing int `json:"missing,omitempty"`
	// Stale says that the last listing failed before it came to this one.
	Stale bool `json:"stale,omitempty"`
}

func (c cacheEntry) instance() Instance {
	return Instance{
		ID: c.ID, Name: c.Name, IP: c.IP, State: c.State, Seen: c.Seen, Reason: c.Reason,
		Stale: c.Stale || c.Missing > 0,
	}
}

func entryOf(i Instance) cacheEntry {
	return cacheEntry{ID: i.ID, Name: i.Name, IP: i.IP, State: i.State, Seen: i.Seen, Reason: i.Reason, Stale: i.Stale}
}

// minute is how often the API was called in one minute.
type minute struct {
	Unix int64 `json:"minute"` // minutes since 1970
	N    int   `json:"n"`
}

// decodeCache reads the document of a scope. What cannot be read or is about
// something else holds nothing but its calls; a later version's is an error.
func decodeCache(b []byte, scope string) (cacheDocument, error) {
	empty := cacheDocument{Version: cacheVersion, Scope: scope}
	if b == nil {
		return empty, nil
	}
	var d cacheDocument
	if err := json.Unmarshal(b, &d); err != nil {
		return empty, nil //nolint:nilerr // a cache that cannot be read is filled anew
	}
	if d.Version > cacheVersion {
		return empty, fmt.Errorf("cannot use the cache: it has version %d, this program knows up to %d", d.Version, cacheVersion)
	}
	if d.Scope != scope {
		empty.Calls = d.Calls
		return empty, nil
	}
	return d, nil
}

// movingTTL bounds how long an answer is good while an instance is on its way to
// another state.
const movingTTL = 5 * time.Second

// fresh tells whether no call is needed. A time in the future is another
// machine's clock, and not trusted.
func (d cacheDocument) fresh(now time.Time, ttl time.Duration) bool {
	age := now.Sub(d.Fetched)
	if !d.Complete || age < 0 || age >= ttl {
		return false
	}
	for _, e := range d.Instances {
		if e.instance().moving() && age >= movingTTL {
			return false
		}
	}
	return true
}

// listing is what the document tells.
func (d cacheDocument) listing(now time.Time, calls int) Listing {
	l := Listing{Complete: d.Complete, At: d.Fetched, Use: &Use{Calls: calls, LastHour: d.lastHour(now)}}
	for _, e := range d.Instances {
		l.Instances = append(l.Instances, e.instance())
	}
	return l
}

// note counts calls made just now and forgets those of more than an hour ago.
func (d *cacheDocument) note(calls int, now time.Time) {
	this := now.Unix() / 60
	var kept []minute
	for _, m := range d.Calls {
		if m.Unix > this-60 && m.Unix <= this {
			kept = append(kept, m)
		}
	}
	switch last := len(kept) - 1; {
	case calls == 0:
	case last >= 0 && kept[last].Unix == this:
		kept[last].N += calls
	default:
		kept = append(kept, minute{this, calls})
	}
	d.Calls = kept
}

func (d cacheDocument) lastHour(now time.Time) int {
	this, n := now.Unix()/60, 0
	for _, m := range d.Calls {
		if m.Unix > this-60 && m.Unix <= this {
			n += m.N
		}
	}
	return n
}
