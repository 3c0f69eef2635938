package alert

import (
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Fold takes one event in. Who is told is decided by Settle.
func (s *State) Fold(e heartbeat.Event, set Settings, now time.Time) {
	j := Judge(e)
	if j.Notice != "" && now.Sub(e.At) < set.GiveUp {
		s.note(e, j.Notice, set, now)
	}
	switch {
	case j.Opens != "":
		s.open(e, j.Opens, set, now)
	case j.Ends:
		s.end(e, set, now)
	}
}

// find returns the incident, or the notice, of a subject, nil where there is none.
func (s *State) find(k heartbeat.Key, notice bool) *Incident {
	for i := range s.Incidents {
		if in := &s.Incidents[i]; in.Notice == notice && in.Key() == k {
			return in
		}
	}
	return nil
}

// change notes that something is to be settled when the wait is over, counted from
// the first change: what comes and goes all the time is told nevertheless.
func (in *Incident) change(set Settings, now time.Time) {
	if in.Due.IsZero() {
		in.Due = now.Add(set.GroupWait)
	}
}

func (s *State) open(e heartbeat.Event, severity Severity, set Settings, now time.Time) {
	in := s.find(Subject(e), false)
	switch {
	case in == nil:
		s.Incidents = append(s.Incidents, Incident{ID: incidentID(Subject(e), e.ID), Severity: severity, Since: e.At, Event: e})
		s.Incidents[len(s.Incidents)-1].change(set, now)
	case in.Over, severity.worse(in.Severity):
		in.Over, in.End, in.Severity, in.Event = false, nil, severity, e
		in.change(set, now)
	}
}

func (s *State) end(e heartbeat.Event, set Settings, now time.Time) {
	if in := s.find(Subject(e), false); in != nil && !in.Over {
		in.Over, in.End = true, &e
		in.change(set, now)
	}
}

// note adds to what is to be noted of a subject. A worse one makes all worse.
func (s *State) note(e heartbeat.Event, severity Severity, set Settings, now time.Time) {
	in := s.find(Subject(e), true)
	if in == nil {
		s.Incidents = append(s.Incidents, Incident{ID: incidentID(Subject(e), e.ID), Notice: true})
		in = &s.Incidents[len(s.Incidents)-1]
	}
	if in.Count == 0 {
		in.Since, in.Severity = e.At, severity
		in.Due = now.Add(set.GroupWait)
		if again := in.Sent.Add(set.NoticeEvery); !in.Sent.IsZero() && again.After(in.Due) {
			in.Due = again
		}
	}
	if severity.worse(in.Severity) {
		in.Severity = severity
	}
	in.Count++
	in.Event = e
}
