package alert

import (
	"slices"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Settle queues the messages that are due. With flush every change so far is due at
// once, for a turn after which nobody may look for long.
func (s *State) Settle(set Settings, now time.Time, flush bool) {
	s.Silences = slices.DeleteFunc(s.Silences, func(x Silence) bool { return !now.Before(x.Until) })
	s.Outbox = slices.DeleteFunc(s.Outbox, func(m Message) bool { return !slices.Contains(set.Places, m.Place) })
	if flush {
		for i := range s.Incidents {
			if in := &s.Incidents[i]; !in.Due.IsZero() && (!in.Notice || in.Sent.IsZero()) {
				in.Due = now
			}
		}
	}
	s.gather(set, now)
	// The places that are wanted come first: what a machine speaks for adds to its own.
	wanted := s.wanted(set)
	kept := make([]Incident, 0, len(s.Incidents))
	for _, in := range s.Incidents {
		if now.Before(in.Due) || s.settle(&in, set, wanted[in.ID], now) {
			kept = append(kept, in)
		}
	}
	s.Incidents = kept
	s.gather(set, now)
}

// settle queues what is due of an incident and tells whether it is to be kept.
func (s *State) settle(in *Incident, set Settings, wanted []string, now time.Time) (keep bool) {
	switch {
	case s.Silenced(in.Key(), now):
		return s.hush(in)
	case in.Notice:
		return s.settleNotice(in, set, wanted, now)
	case in.Over:
		for _, place := range set.Places {
			if _, told := in.Told[place]; told {
				s.put(in, place, Ended, *in.End, now)
			}
		}
		return false
	case in.Within != "" && len(in.Told) == 0:
	default:
		s.tell(in, wanted, now)
	}
	in.Due = time.Time{}
	return true
}

// tell queues what places have not been told of an incident.
func (s *State) tell(in *Incident, wanted []string, now time.Time) {
	for _, place := range wanted {
		told, before := in.Told[place]
		switch {
		case slices.Contains(in.Skip, place):
			continue
		case !before:
			s.put(in, place, Opened, in.Event, now)
		case in.Severity.worse(told):
			s.put(in, place, Worse, in.Event, now)
		default:
			continue
		}
		if in.Told == nil {
			in.Told = map[string]Severity{}
		}
		in.Told[place] = in.Severity
	}
}

// settleNotice tells a notice, and keeps it as long as another one of it must wait.
func (s *State) settleNotice(in *Incident, set Settings, wanted []string, now time.Time) (keep bool) {
	if in.Count > 0 {
		for _, place := range wanted {
			s.put(in, place, Noted, in.Event, now)
		}
		in.Sent, in.Count = now, 0
		in.Due = now.Add(set.NoticeEvery)
		return true
	}
	return false
}

// hush is settle for what is silenced: nothing is queued, and what was queued and has
// not been tried is taken back where it has lost its meaning.
func (s *State) hush(in *Incident) (keep bool) {
	switch {
	case in.Notice:
		return false
	case !in.Over:
		return true
	}
	s.Outbox = slices.DeleteFunc(s.Outbox, func(m Message) bool {
		back := m.Incident == in.ID && !m.Begun && m.What == Opened
		if back {
			delete(in.Told, m.Place)
		}
		return back
	})
	s.Outbox = slices.DeleteFunc(s.Outbox, func(m Message) bool {
		_, told := in.Told[m.Place]
		return m.Incident == in.ID && !told
	})
	return len(in.Told) > 0
}

// gather has machines that cannot be reached speak for what runs on them, and lets go
// what they spoke for once they are back.
func (s *State) gather(set Settings, now time.Time) {
	machines := s.machines()
	for i := range s.Incidents {
		in := &s.Incidents[i]
		if in.Notice || in.Event.Key.Kind == heartbeat.Instances {
			continue
		}
		if in.Within != "" && machines[in.Within] == nil {
			in.Within, in.Due = "", now.Add(set.GroupWait)
		}
		for _, m := range machines {
			if in.Within == "" && !m.Over && len(in.Told) == 0 && m.Event.IP == in.Event.IP && m.Event.Key.Cluster == in.Event.Key.Cluster {
				in.Within = m.ID
			}
		}
		if m := machines[in.Within]; m != nil && !m.Over && !in.Over {
			m.member(in)
		}
	}
}

// machines are the incidents of machines that cannot be reached, by their ids.
func (s *State) machines() map[string]*Incident {
	out := map[string]*Incident{}
	for i := range s.Incidents {
		in := &s.Incidents[i]
		if in.Event.Key.Kind == heartbeat.Instances && in.Event.Is.State == heartbeat.Unreachable && in.Event.IP.IsValid() {
			out[in.ID] = in
		}
	}
	return out
}

// mostMembers is how many of what a machine speaks for are named.
const mostMembers = 100

// member names what a machine speaks for.
func (in *Incident) member(other *Incident) {
	k := other.Key()
	name := string(k.Kind) + " " + k.Name
	if i, there := slices.BinarySearch(in.Members, name); !there && len(in.Members) < mostMembers {
		// A new list: messages have the old one.
		in.Members = slices.Insert(slices.Clone(in.Members), i, name)
	}
}

// wanted are the places of each incident, by its id and in the order of the settings.
func (s *State) wanted(set Settings) map[string][]string {
	sets := map[string]map[string]bool{}
	for i := range s.Incidents {
		in := &s.Incidents[i]
		for _, id := range []string{in.ID, in.Within} {
			if id == "" || in.Over && id == in.Within {
				continue
			}
			if sets[id] == nil {
				sets[id] = map[string]bool{}
			}
			set.places(sets[id], in.Event, in.Severity)
		}
	}
	out := map[string][]string{}
	for id, places := range sets {
		for _, p := range set.Places {
			if places[p] {
				out[id] = append(out[id], p)
			}
		}
	}
	return out
}

// Next is when Settle may have something to do again: the zero time for not before
// something comes. It may be in the past.
func (s *State) Next(now time.Time) time.Time {
	var next time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for i := range s.Incidents {
		if in := &s.Incidents[i]; !s.Silenced(in.Key(), now) {
			sooner(in.Due)
		}
	}
	for i := range s.Silences {
		sooner(s.Silences[i].Until)
	}
	return next
}
