package monitor

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Starting is a state of a unit, beside running, stopped, stopping and absent, which are the
// heartbeat's words, and Failed.
const Starting = "starting"

// States of how often a unit is restarted, and of its watchdog.
const (
	Steady     = "steady"
	Restarting = "restarting"
	Quiet      = "quiet"
	Hit        = "hit"
)

// What follows the name of a unit in the names of these conditions.
const (
	ofRestarts = "/restarts"
	ofWatchdog = "/watchdog"
)

// runs is what a unit has been through.
type runs struct {
	Restarts int         `json:"restarts"`        // by systemd, as it counted them last
	Grown    []time.Time `json:"grown,omitempty"` // restarts that were seen, oldest first
	Hit      string      `json:"hit,omitempty"`   // the journal's cursor of the last hit of the watchdog
	HitAt    time.Time   `json:"hit_at,omitzero"`
}

// mostGrown is how many restarts are remembered.
const mostGrown = 100

// sight is one look at the units of a machine.
type sight struct {
	hostname string
	units    map[string]shown
	hits     map[string]string // cursors of last hits, of the units that were asked about
}

// turn judges a look.
func (m Units) turn(b *book, o Options, seen sight, err error, now time.Time) {
	s := m.subject(o.Manager, heartbeat.Units, seen.hostname)
	if !m.look(b, s, err, o.Mask, now) {
		return
	}
	if b.Runs == nil {
		b.Runs = map[string]*runs{}
	}
	watched := map[string]bool{m.Name + ofLook: true}
	for _, u := range m.Units {
		name := m.Name + "/" + u.Name
		watched[name], watched[name+ofRestarts], watched[name+ofWatchdog] = true, true, true
		m.judge(b, s, u, seen, now)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Tracks)) {
		if !watched[name] {
			b.retire(s, name, goodUnit, "it is not watched any more", now)
			delete(b.Runs, name)
		}
	}
}

// goodUnit tells whether a state is no trouble.
func goodUnit(state string) bool {
	return state == heartbeat.Running || state == Steady || state == Quiet || state == Answering
}

// severe is the severity of a state, "" where it is no trouble.
func severe(state, severity string) string {
	if goodUnit(state) {
		return ""
	}
	return severity
}

// judge moves the three conditions of a unit.
func (m Units) judge(b *book, s subject, u Unit, seen sight, now time.Time) {
	name, x := m.Name+"/"+u.Name, seen.units[u.Name]
	labels := map[string]string{labelUnit: u.Name, "result": x.result}
	state, hold := m.state(x)
	first := heartbeat.Running
	if state != heartbeat.Running && hold == 0 {
		first = heartbeat.Unknown
	}
	b.move(s, b.at(name, first, now), state, hold, change{name: name, reason: x.reason(), labels: labels}, severe(state, u.Severity), now)

	r := b.Runs[name]
	if r == nil {
		r = &runs{Restarts: x.restarts, Hit: seen.hits[u.Name]}
		b.Runs[name] = r
	}
	state = Steady
	if m.restarted(r, x, b.at(name+ofRestarts, Steady, now).State == Restarting, now) {
		state = Restarting
	}
	labels = map[string]string{labelUnit: u.Name, "restarts": strconv.Itoa(x.restarts)}
	b.move(s, b.at(name+ofRestarts, Steady, now), state, 0, change{
		name: name + ofRestarts, labels: labels, reason: "systemd has restarted it " + times(len(r.Grown)) + " in the last " + m.Calm.String(),
	}, severe(state, Warning), now)

	state = Quiet
	if m.hit(r, x, seen.hits[u.Name], now) {
		state = Hit
	}
	b.move(s, b.at(name+ofWatchdog, Quiet, now), state, 0, change{
		name: name + ofWatchdog, labels: map[string]string{labelUnit: u.Name}, reason: "its watchdog was last not heard in time " + ago(r.HitAt, now),
	}, severe(state, u.Severity), now)
}

// state is what a unit does, and how long that has to be so until it counts. A oneshot
// unit has failed or not: that it is over is as it should be.
func (m Units) state(x shown) (state string, hold time.Duration) {
	switch x.active {
	case "active", "reloading", "refreshing":
		return heartbeat.Running, 0
	case "failed":
		return Failed, 0
	case "activating", "deactivating":
		switch {
		case x.typ == "oneshot":
			return heartbeat.Running, 0
		case x.active == "activating":
			return Starting, m.Settle
		}
		return heartbeat.Stopping, m.Settle
	}
	switch {
	case x.load != "loaded":
		return heartbeat.Absent, 0
	case x.typ == "oneshot":
		return heartbeat.Running, 0
	}
	return heartbeat.Stopped, 0
}

// reason is what systemd says, in its words.
func (x shown) reason() string {
	said := []string{x.active}
	if x.sub != "" && x.sub != x.active {
		said = append(said, "("+x.sub+")")
	}
	if x.result != "" && x.result != "success" {
		said = append(said, "with result "+x.result)
	}
	if x.load != "loaded" {
		said = append(said, "its unit is "+x.load)
	}
	return "systemd says " + strings.Join(said, " ")
}

// restarted counts what systemd's counter has grown by, and tells whether that is too
// often. The counter begins anew where somebody else starts the unit. What began ends
// when there was none for as long as Calm.
func (m Units) restarted(r *runs, x shown, is bool, now time.Time) bool {
	grew := x.restarts - r.Restarts
	if grew < 0 {
		grew = x.restarts
	}
	r.Restarts = x.restarts
	for range min(grew, mostGrown) {
		r.Grown = append(r.Grown, now)
	}
	r.Grown = r.Grown[max(0, len(r.Grown)-mostGrown):]
	for len(r.Grown) > 0 && now.Sub(r.Grown[0]) >= m.Calm {
		r.Grown = r.Grown[1:]
	}
	return len(r.Grown) >= m.Restarts || is && len(r.Grown) > 0
}

// hit tells whether the watchdog has been missed within Calm: the journal has another hit
// than the last one, or the unit stands as it was left by one.
func (m Units) hit(r *runs, x shown, cursor string, now time.Time) bool {
	switch {
	case cursor != "" && cursor != r.Hit:
		r.Hit, r.HitAt = cursor, now
	case x.result == "watchdog" && r.HitAt.IsZero():
		r.HitAt = now
	}
	if !r.HitAt.IsZero() && now.Sub(r.HitAt) >= m.Calm && x.result != "watchdog" {
		r.HitAt = time.Time{}
	}
	return !r.HitAt.IsZero()
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

func ago(t, now time.Time) string {
	if t.IsZero() {
		return "long ago"
	}
	return now.Sub(t).Round(time.Second).String() + " ago"
}
