package alert

import (
	"slices"
	"strconv"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Outcome is how a try ended that failed.
type Outcome struct {
	Reason  string
	After   time.Duration // the place asks not to be tried sooner, 0 for nothing
	Refused bool          // the place took the message for bad, not itself for unwell
	Jitter  float64       // 0 to 1: where between half the delay and all of it
}

// refusals is how many times a message is tried that its place takes for bad: it would
// keep back all that come after it.
const refusals = 5

// Head returns the message that a place is to be sent now, nil for none. It is the
// first in the order of the queue that is not silenced; where that one waits after a
// failure those behind it wait too.
func (s *State) Head(place string, now time.Time) *Message {
	if m := s.first(place, now); m != nil && !now.Before(m.Next) {
		return m
	}
	return nil
}

// Retry is when a place is to be tried again after a failure, the zero time for never.
func (s *State) Retry(place string, now time.Time) time.Time {
	if m := s.first(place, now); m != nil && now.Before(m.Next) {
		return m.Next
	}
	return time.Time{}
}

// first is the first message of a place that is not silenced.
func (s *State) first(place string, now time.Time) *Message {
	for i := range s.Outbox {
		if m := &s.Outbox[i]; m.Place == place && !s.Silenced(Subject(m.Event), now) {
			return m
		}
	}
	return nil
}

// Begin notes, before the first try, that the message may arrive.
func (s *State) Begin(place string, now time.Time) *Message {
	m := s.Head(place, now)
	if m != nil {
		m.Begun = true
	}
	return m
}

// message returns where a message stands in the outbox, -1 where it does not.
func (s *State) message(id string) int {
	return slices.IndexFunc(s.Outbox, func(m Message) bool { return m.ID == id })
}

// The states of a place in events of kind alerts.
const (
	Delivering = "delivering"
	Failing    = "failing"
	GivenUp    = "given up"
)

// Done takes a message out that has arrived.
func (s *State) Done(id string, set Settings, now time.Time) {
	i := s.message(id)
	if i < 0 {
		return
	}
	m := s.Outbox[i]
	s.Outbox = slices.Delete(s.Outbox, i, i+1)
	if s.Failing[m.Place] {
		delete(s.Failing, m.Place)
		s.tellLog(m, Failing, Delivering, "", set, now)
	}
}

// Failed notes that a try failed and when the next one may come. After so long a
// message is given up, and so is what was to follow of its incident at that place.
func (s *State) Failed(id string, o Outcome, set Settings, now time.Time) {
	i := s.message(id)
	if i < 0 {
		return
	}
	m := &s.Outbox[i]
	m.Tries++
	m.Error = o.Reason
	if now.Sub(m.At) >= set.GiveUp || o.Refused && m.Tries >= refusals {
		s.tellLog(*m, Failing, GivenUp, o.Reason, set, now)
		s.giveUp(*m)
		return
	}
	delay := set.FirstDelay
	for n := 1; n < m.Tries && delay < set.Longest; n++ {
		delay *= 2
	}
	delay = min(delay, set.Longest)
	m.Next = now.Add(max(delay/2+time.Duration(float64(delay/2)*o.Jitter), o.After))
	if !s.Failing[m.Place] {
		if s.Failing == nil {
			s.Failing = map[string]bool{}
		}
		s.Failing[m.Place] = true
		s.tellLog(*m, Delivering, Failing, o.Reason, set, now)
	}
}

// giveUp takes a message out. Who was never told that something began is not told
// that it grew worse or is over.
func (s *State) giveUp(m Message) {
	s.Outbox = slices.DeleteFunc(s.Outbox, func(o Message) bool {
		return o.ID == m.ID || m.What == Opened && o.Place == m.Place && o.Incident == m.Incident
	})
	for i := range s.Incidents {
		if in := &s.Incidents[i]; in.ID == m.Incident && m.What == Opened {
			// Not forgotten but marked: it is not to be told again either.
			delete(in.Told, m.Place)
			in.Skip = append(in.Skip, m.Place)
		}
	}
}

// tellLog adds an event of kind alerts about the place of a message.
func (s *State) tellLog(m Message, was, is, reason string, set Settings, now time.Time) {
	what := m.What + " " + Subject(m.Event).Name
	if reason != "" {
		what += ": " + reason
	}
	s.Untold = append(s.Untold, heartbeat.Event{
		Key: heartbeat.Key{Kind: heartbeat.Alerts, Name: m.Place}, Was: heartbeat.Point{State: was}, Is: heartbeat.Point{State: is},
		At: now, Manager: set.Manager, Reason: what,
	}.Occur(m.ID+" "+strconv.Itoa(m.Tries)))
}

// Told takes out events that are in the log.
func (s *State) Told(events []heartbeat.Event) {
	gone := map[string]bool{}
	for i := range events {
		gone[events[i].ID] = true
	}
	s.Untold = slices.DeleteFunc(s.Untold, func(e heartbeat.Event) bool { return gone[e.ID] })
}

// Waiting is how many messages stand in the outbox for each place.
func (s *State) Waiting() map[string]int {
	out := map[string]int{}
	for i := range s.Outbox {
		out[s.Outbox[i].Place]++
	}
	return out
}
