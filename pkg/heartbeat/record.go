package heartbeat

import (
	"encoding/json"
	"errors"
	"fmt"
)

// recordVersion is the version of the stored document this program writes.
const recordVersion = 1

// ErrNewer is a stored record that a later version of clmgr wrote.
var ErrNewer = errors.New("written by a newer clmgr")

// Record is what is stored of one cluster by one manager: the last known status
// and the events that have not reached the event log yet. They change in one
// swap, so whoever wins the swap owns the events.
type Record struct {
	Seq         uint64 // grows with every heartbeat recorded
	Status      Status
	Undelivered []Event
}

// wireRecord holds the status in its wire form: a Document would encode itself
// into bytes that are then read once more.
type wireRecord struct {
	Version     int          `json:"version"`
	Seq         uint64       `json:"seq"`
	Undelivered []Event      `json:"undelivered"`
	Status      wireDocument `json:"status"`
}

// DecodeRecord reads a stored record; nil gives the empty one, with Seq 0. What
// cannot be read, or comes from a newer version (ErrNewer), is an error, so
// that nobody writes over it.
func DecodeRecord(b []byte) (Record, error) {
	if b == nil {
		return Record{}, nil
	}
	version, err := recordVersionOf(b)
	switch {
	case err != nil:
		return Record{}, fmt.Errorf("cannot read stored status: %w", err)
	case version > recordVersion:
		return Record{}, fmt.Errorf("cannot read stored status: %w (document version %d, this one knows up to %d)", ErrNewer, version, recordVersion)
	case version < 1:
		return Record{}, errors.New("cannot read stored status: it has no version")
	}
	var w wireRecord
	if err := json.Unmarshal(b, &w); err != nil {
		return Record{}, fmt.Errorf("cannot read stored status: %w", err)
	}
	var d Document
	if err := d.read(w.Status); err != nil {
		return Record{}, fmt.Errorf("cannot read stored status: %w", err)
	}
	return Record{Seq: w.Seq, Status: d.Status, Undelivered: w.Undelivered}, nil
}

// recordVersionOf reads the version alone. It stands first in what we write, so
// that a long record need not be read twice; elsewhere it is looked for.
func recordVersionOf(b []byte) (int, error) {
	var version int
	if _, err := fmt.Sscanf(string(b[:min(len(b), 32)]), `{"version":%d,`, &version); err == nil {
		return version, nil
	}
	var head struct {
		Version int `json:"version"`
	}
	err := json.Unmarshal(b, &head)
	return head.Version, err
}

// Encode gives the bytes to store.
func (r Record) Encode() ([]byte, error) {
	return json.Marshal(wireRecord{
		Version: recordVersion, Seq: r.Seq, Undelivered: r.Undelivered,
		Status: Document{Status: r.Status, exact: true}.wire(),
	})
}

// Beat records a look: the next record and the events it makes. began is the
// Seq of the record when the look began. A first look makes events only where
// first asks for them.
func (r Record) Beat(look Look, began uint64, first bool) (Record, []Event) {
	next := Record{Seq: r.Seq + 1, Status: Merge(r.Status, look, r.Seq != began)}
	var events []Event
	if r.Seq > 0 || first {
		events = Diff(r.Status, next.Status)
	}
	next.Undelivered = append(append([]Event{}, r.Undelivered...), events...)
	return next, events
}

// Delivered returns the record without the events of those ids.
func (r Record) Delivered(events []Event) Record {
	gone := make(map[string]bool, len(events))
	for _, e := range events {
		gone[e.ID] = true
	}
	var left []Event
	for _, e := range r.Undelivered {
		if !gone[e.ID] {
			left = append(left, e)
		}
	}
	r.Undelivered = left
	return r
}
