package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// flood says why a rule may not fire for a thing at now, and when it may; empty where
// it may.
func (s State) flood(r Rule, key heartbeat.Key, now time.Time) (why string, until time.Time) {
	hour := 0
	for _, f := range s.Fired[r.Name] {
		if end := f.At.Add(r.MinDelay); f.Key == key && end.After(now) {
			why, until = fmt.Sprintf("it fired for %s at %s, and min_delay is %s", key.Name, clock(f.At), rough(r.MinDelay)), end
		}
		if now.Sub(f.At) < time.Hour {
			hour++
		}
	}
	if r.MaxPerHour == 0 || hour < r.MaxPerHour {
		return why, until
	}
	// It may again once so many of the last hour's are older that one less is left.
	list := s.Fired[r.Name]
	if end := list[len(list)-r.MaxPerHour].At.Add(time.Hour); end.After(until) {
		why, until = fmt.Sprintf("it fired %d times within an hour, and max_per_hour is %d", hour, r.MaxPerHour), end
	}
	return why, until
}

// kept is where it is counted what of a rule is kept back for a thing; -1 for nowhere.
func (s State) kept(rule string, key heartbeat.Key) int {
	return slices.IndexFunc(s.Kept, func(k Kept) bool { return k.Rule == rule && k.Key == key })
}

// keepBack counts what does not fire, and tells of the first. What waits is kept back
// once, however often it is looked at.
func (d *decider) keepBack(r Rule, e heartbeat.Event, v Verdict, why string) {
	at := d.kept(r.Name, e.Key)
	if at >= 0 && r.For > 0 {
		return
	}
	if at < 0 {
		d.Kept = append(d.Kept, Kept{Rule: r.Name, Key: e.Key})
		at = len(d.Kept) - 1
		d.decide(r, e, v, why)
	}
	d.Kept[at].Times++
	d.Kept[at].At = d.in.Now
}

// clock writes a time for people.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
