package send

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/clmgr/clmgr/pkg/eventlog"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// mostEvents is how many events are taken in by one swap.
const mostEvents = 2000

// errMoved says that another process has changed the document meanwhile.
var errMoved = errors.New("the alerts were changed meanwhile")

// take brings the state up to the end of the log and queues what is due. The first
// events of a manager without a state are those of the time since and later.
func (s *Sender) take(ctx context.Context, since time.Time, flush bool) error {
	for {
		more, err := s.takeSome(ctx, since, flush)
		if errors.Is(err, errMoved) {
			continue
		}
		if err != nil || !more {
			return err
		}
	}
}

// takeSome is take for one swap, and tells whether there may be more to read.
func (s *Sender) takeSome(ctx context.Context, since time.Time, flush bool) (more bool, err error) {
	raw, err := s.read(ctx)
	if err != nil {
		return false, err
	}
	now := time.Now().UTC()
	last, known := s.last(raw, now)
	doc := document{}
	if !known {
		if doc, err = decode(raw); err != nil {
			return false, err
		}
		last = doc.After
	}
	if raw == nil {
		if last, err = s.opts.Log.Before(ctx, since); err != nil {
			return false, fmt.Errorf("cannot begin with alerts: %w", err)
		}
	}
	events, place, err := s.after(ctx, last)
	if err != nil || known && !flush && place == last {
		return false, err
	}
	if known {
		if doc, err = decode(raw); err != nil {
			return false, err
		}
	}
	for _, e := range events {
		doc.Fold(e, s.opts.Settings, now)
	}
	doc.After, more = place, len(events) == mostEvents
	doc.Settle(s.opts.Settings, now, flush && !more)
	next, err := doc.encode()
	if err == nil {
		err = s.swap(ctx, raw, next)
	}
	if err != nil {
		return false, err
	}
	s.keep(next, doc, now)
	return more, s.tell(ctx, doc.Untold)
}

// last is the place in the log of the document of those bytes, where they are those of
// the last look and time alone has brought nothing to do since.
func (s *Sender) last(raw []byte, now time.Time) (place eventlog.Place, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if raw == nil || !bytes.Equal(raw, s.raw) || !s.next.IsZero() && !now.Before(s.next) {
		return place, false
	}
	return s.state.After, true
}

// keep remembers what was seen last. Nobody changes it in place.
func (s *Sender) keep(raw []byte, d document, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw, s.state, s.next = raw, d, d.Next(now)
}

// ready are the places that have something to be sent, as it was seen last.
func (s *Sender) ready(now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, place := range s.Places() {
		if s.state.Head(place, now) != nil {
			out = append(out, place)
		}
	}
	return out
}

// pause is how long nothing is to be done without an event, longest at most.
func (s *Sender) pause(now time.Time, longest time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.next
	for _, place := range s.Places() {
		if at := s.state.Retry(place, now); !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if next.IsZero() {
		return longest
	}
	return min(max(next.Sub(now), time.Millisecond), longest)
}

// swap stores the next document in place of the one that was read.
func (s *Sender) swap(ctx context.Context, raw, next []byte) error {
	if bytes.Equal(raw, next) {
		return nil
	}
	err := s.opts.Store.Update(ctx, key, "events taken in", func(old []byte) ([]byte, error) {
		if !bytes.Equal(old, raw) {
			return nil, errMoved
		}
		return next, nil
	})
	if err != nil {
		return fmt.Errorf("cannot store the alerts: %w", err)
	}
	return nil
}

// after reads what came after a place in the log, so many events at most, and returns
// the place it has come to.
func (s *Sender) after(ctx context.Context, place eventlog.Place) ([]heartbeat.Event, eventlog.Place, error) {
	var out []heartbeat.Event
	for entry, err := range s.opts.Log.After(ctx, place) {
		switch {
		case errors.As(err, new(*eventlog.Unreadable)), errors.As(err, new(*eventlog.Gone)):
			continue // what is left is read; who lists the log is told
		case err != nil:
			return nil, place, fmt.Errorf("cannot read events for alerts: %w", err)
		}
		var e heartbeat.Event
		if json.Unmarshal(entry.Line, &e) == nil { // what is no event of ours alerts nobody
			out = append(out, s.masked(e))
		}
		place = entry.Place
		if len(out) == mostEvents {
			break
		}
	}
	return out, place, nil
}

// tell appends events of the state to the log, and takes them out of it after that: a
// crash in between repeats them, and the log drops ids it has.
func (s *Sender) tell(ctx context.Context, events []heartbeat.Event) error {
	if len(events) == 0 {
		return nil
	}
	entries := make([]eventlog.Entry, 0, len(events))
	for _, e := range events {
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("cannot encode event %s: %w", e.ID, err)
		}
		entry, err := eventlog.Parse(line)
		if err != nil {
			return fmt.Errorf("cannot encode event %s: %w", e.ID, err)
		}
		entries = append(entries, entry)
	}
	if err := s.opts.Log.Append(ctx, time.Now(), entries); err != nil {
		return err
	}
	return s.update(ctx, "events told", func(d *document) error {
		d.Told(events)
		return nil
	})
}
