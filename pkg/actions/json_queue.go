package actions

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// queueVersion is the version of the stored queue this program writes. A new
// field anywhere in it is a new version: an older program would lose it.
const queueVersion = 1

// ErrNewer is a stored document that a later version of clmgr wrote.
var ErrNewer = errors.New("written by a newer clmgr")

type wireQueue struct {
	wireHead
	Actions []json.RawMessage `json:"actions"`
	wireTail
}

type wireHead struct {
	Version int               `json:"version"`
	Marks   map[string]uint64 `json:"marks"`
}

type wireTail struct {
	Holds  []json.RawMessage            `json:"holds,omitempty"`
	Held   map[string]map[string]uint64 `json:"held,omitempty"`
	Unread []wireUnread                 `json:"unread,omitempty"`
}

type wireHold struct {
	At       time.Time `json:"at"`
	By       wireAsker `json:"by"`
	Cluster  string    `json:"cluster,omitempty"`
	Group    string    `json:"group"`
	ID       ID        `json:"id"`
	Reason   string    `json:"reason"`
	Released time.Time `json:"released,omitzero"`
	Until    time.Time `json:"until,omitzero"`
}

type wireUnread struct {
	Raw json.RawMessage `json:"raw"`
	Why string          `json:"why"`
}

// Decoder reads one queue after the other, and each action that did not change in
// between only once. The zero Decoder is ready.
type Decoder struct{ known map[string]*Action }

// Decode reads a stored queue; nil gives an empty one. A document that cannot be
// read, or is of a newer version (ErrNewer), is an error, so that nobody writes
// over it. Single entries that cannot be read are kept as they are: see Unread.
func Decode(b []byte) (*Queue, error) { return new(Decoder).Decode(b) }

// Decode is the function Decode.
func (d *Decoder) Decode(b []byte) (*Queue, error) {
	if b == nil {
		return &Queue{}, nil
	}
	var w wireQueue
	err := strict(b, &w)
	version := w.Version
	if err != nil { // a newer version may have keys that this one does not know
		var head struct {
			Version int `json:"version"`
		}
		if json.Unmarshal(b, &head) == nil {
			version = head.Version
		}
	}
	switch {
	case version > queueVersion:
		return nil, fmt.Errorf("cannot read stored queue: %w (document version %d, this one knows up to %d)", ErrNewer, version, queueVersion)
	case err != nil:
		return nil, fmt.Errorf("cannot read stored queue: %w", err)
	case version < 1:
		return nil, errors.New("cannot read stored queue: it has no version")
	}
	q := &Queue{}
	for writer, seq := range w.Marks {
		if !writerOK(writer) {
			return nil, fmt.Errorf("cannot read stored queue: %q cannot be the name of a writer", writer)
		}
		q.note(ID{writer, seq})
	}
	q.held = mergeHeld(nil, w.Held)
	q.unread = addUnread(nil, append(d.readActions(q, w.Actions), readEntries(q, w)...)...)
	return q, nil
}

// readActions fills q and returns what could not be read.
func (d *Decoder) readActions(q *Queue, entries []json.RawMessage) []Unread {
	var unread []Unread
	known := make(map[string]*Action, len(entries))
	for _, raw := range entries {
		a, err := d.known[string(raw)], error(nil)
		if a == nil {
			a, err = readAction(raw)
		}
		if err == nil && q.actions[a.ID] != nil {
			err = fmt.Errorf("there are two actions %s", a.ID)
		}
		if err != nil {
			unread = append(unread, unreadable(raw, "cannot read action: "+err.Error()))
			continue
		}
		known[string(raw)] = a
		q.putShared(a)
	}
	d.known = known
	return unread
}

func readAction(raw []byte) (*Action, error) {
	var e wireAction
	if err := strict(raw, &e); err != nil {
		return nil, err
	}
	a, err := e.action()
	return &a, err
}

// readEntries fills q with all but the actions, and returns what could not be read.
func readEntries(q *Queue, w wireQueue) []Unread {
	var unread []Unread
	for _, raw := range w.Holds {
		var e wireHold
		if err := strict(raw, &e); err != nil || e.ID.Writer == "" {
			unread = append(unread, unreadable(raw, "cannot read hold: "+cmp.Or(err, errors.New("it has no id")).Error()))
			continue
		}
		q.putHold(Hold{
			ID: e.ID, Cluster: e.Cluster, Group: e.Group, Until: plain(e.Until), Reason: e.Reason,
			By: Asker{Who: e.By.Who, Where: e.By.Where, Command: e.By.Command}, At: plain(e.At), Released: plain(e.Released),
		})
	}
	for _, u := range w.Unread {
		if len(u.Raw) == 0 {
			continue // there is nothing to carry along
		}
		unread = append(unread, unreadable(u.Raw, u.Why))
	}
	return unread
}

// unreadable keeps an entry, with what can be told of it.
func unreadable(raw []byte, why string) Unread {
	u := Unread{Raw: compact(raw), Why: why}
	var head struct{ ID, Cluster, Plan json.RawMessage }
	if json.Unmarshal(raw, &head) != nil {
		return u
	}
	for _, f := range []struct {
		raw  []byte
		into any
	}{{head.ID, &u.ID}, {head.Cluster, &u.Cluster}, {head.Plan, &u.Plan}} {
		_ = json.Unmarshal(f.raw, f.into) // what cannot be told stays empty
	}
	return u
}

// compact makes equal entries equal bytes, those that encoding them gives: which of two
// comes first must not change by that.
func compact(raw []byte) []byte {
	out, err := json.Marshal(json.RawMessage(raw))
	if err != nil {
		return raw
	}
	return out
}

func holdOf(h Hold) wireHold {
	return wireHold{
		At: h.At, By: askerOf(h.By), Cluster: h.Cluster, Group: h.Group, ID: h.ID, Reason: h.Reason, Released: h.Released, Until: h.Until,
	}
}
