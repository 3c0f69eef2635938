package monitor

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// book is what a watcher remembers between two looks: one document.
type book struct {
	Version int `json:"version"`
	// Born tells the events of this document from those of an earlier one that was lost.
	Born  int64  `json:"born"`  // ns since 1970
	Count uint64 `json:"count"` // events so far
	// Of is what kind of states the conditions have: of another kind they are forgotten.
	Of string `json:"of,omitempty"`
	// Tracks are the conditions, by the names of their events.
	Tracks map[string]*track `json:"tracks"`
	// Runs are what units have been through, by the names of their events.
	Runs map[string]*runs `json:"runs,omitempty"`
	// Untold are the events that have not been told yet, oldest first.
	Untold []heartbeat.Event `json:"untold,omitempty"`
}

// track is one condition.
type track struct {
	State string    `json:"state"`
	Since time.Time `json:"since"`
	// Next is another state that was seen, at NextAt first, and has to stay for a while.
	Next   string    `json:"next,omitempty"`
	NextAt time.Time `json:"next_at,omitzero"`
	// Severity is that of the trouble that was told last.
	Severity string `json:"severity,omitempty"`
	// Seen is when it was last seen, to the hour.
	Seen time.Time `json:"seen,omitzero"`
	// Acked is the last state that was acted on, ToldAt when the present one was told
	// and Tries how often; all are used only where remembering waits for an action.
	Acked  string    `json:"acked,omitempty"`
	ToldAt time.Time `json:"told_at,omitzero"`
	Tries  int       `json:"tries,omitempty"`
}

const bookVersion = 1

// readBook reads a document, nil for a new book. It fails on what a later clmgr wrote,
// so that nobody writes over it.
func readBook(doc []byte, now time.Time) (*book, error) {
	b := &book{Version: bookVersion, Born: now.UnixNano()}
	if doc != nil {
		if err := json.Unmarshal(doc, b); err != nil {
			return nil, fmt.Errorf("cannot read what was remembered: %w", err)
		}
		if b.Version != bookVersion {
			return nil, fmt.Errorf("cannot read what was remembered: it is of version %d, this clmgr knows %d", b.Version, bookVersion)
		}
	}
	if b.Tracks == nil {
		b.Tracks = map[string]*track{}
	}
	for name, t := range b.Tracks {
		if t == nil {
			return nil, errors.New("cannot read what was remembered: nothing stands under " + strconv.Quote(name))
		}
	}
	return b, nil
}

// write is the document; the same book gives the same bytes.
func (b *book) write() ([]byte, error) {
	doc, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("cannot write what is to be remembered: %w", err)
	}
	return doc, nil
}

// tell adds an event to those that are to be told.
func (b *book) tell(s subject, c change, now time.Time) {
	b.Count++
	e := heartbeat.Event{
		Key: heartbeat.Key{Cluster: s.cluster, Kind: s.kind, Name: c.name}, IP: s.ip,
		Was: heartbeat.Point{State: c.was}, Is: heartbeat.Point{State: c.is},
		At: now, Manager: s.manager, Reason: c.reason, Labels: map[string]string{},
	}
	for _, labels := range []map[string]string{c.labels, s.labels} {
		for k, v := range labels {
			if v != "" {
				e.Labels[k] = v
			}
		}
	}
	b.Untold = append(b.Untold, e.Occur(strconv.FormatInt(b.Born, 36)+"-"+strconv.FormatUint(b.Count, 10)))
}

// told takes out events that were told.
func (b *book) told(events []heartbeat.Event) {
	gone := make(map[string]bool, len(events))
	for i := range events {
		gone[events[i].ID] = true
	}
	kept := b.Untold[:0]
	for _, e := range b.Untold {
		if !gone[e.ID] {
			kept = append(kept, e)
		}
	}
	b.Untold = kept
}

// at returns the condition of that name; one that is new begins in the state good.
func (b *book) at(name, good string, now time.Time) *track {
	t := b.Tracks[name]
	if t == nil {
		t = &track{State: good, Since: now}
		b.Tracks[name] = t
	}
	t.seen(now)
	return t
}

// seen notes that the condition was seen. It changes once an hour, so that it costs
// no write each look.
func (t *track) seen(now time.Time) {
	if hour := now.Truncate(time.Hour); hour.After(t.Seen) {
		t.Seen = hour
	}
}

// step moves the condition to a state that was seen, once it has been seen for as
// long as hold, and tells whether it moved. A state that is seen only in between
// leaves no trace. A clock that was set back begins the waiting anew.
func (t *track) step(state string, hold time.Duration, now time.Time) bool {
	if state == t.State {
		t.Next, t.NextAt = "", time.Time{}
		return false
	}
	if t.Next != state || now.Before(t.NextAt) {
		t.Next, t.NextAt = state, now
	}
	if now.Sub(t.NextAt) < hold {
		return false
	}
	t.State, t.Since = state, now
	t.Next, t.NextAt = "", time.Time{}
	return true
}

// retire forgets a condition that cannot be seen any more. What was told of it has an
// end, at which nobody knows its state.
func (b *book) retire(s subject, name string, good func(state string) bool, reason string, now time.Time) {
	t := b.Tracks[name]
	delete(b.Tracks, name)
	if t == nil || good(t.State) {
		return
	}
	b.tell(s, change{name: name, was: t.State, is: heartbeat.Unknown, reason: reason, labels: over(t.Severity)}, now)
}

// over are the labels of an event that ends a trouble.
func over(severity string) map[string]string {
	return map[string]string{labelSeverity: severity, labelResolved: "true"}
}
