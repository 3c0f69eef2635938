package logs

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Watcher is one that is configured: what it watches, and for what.
type Watcher struct {
	Cluster, Name string
	Machine       string // as the configuration names it
	IP            netip.Addr
	Unit          string // of systemd, whose lines in the journal it watches; or
	File          string // the path on the machine
	Match         []Match
	Join          Join
	Limit         int // events a minute; what is more is counted
}

// States of events that are about the watching.
const (
	Watching = "watching" // the state before, of every event of a log
	Gap      = "gap"      // lines may be missing
	Flood    = "flood"    // events were counted instead of told
	Blind    = "blind"    // it cannot be watched
)

// Labels of events, beside the groups that a match has captured.
const (
	labelWatch    = "watch"
	labelMachine  = "machine"
	labelUnit     = "unit"
	labelFile     = "file"
	labelMatch    = "match"
	labelSeverity = "severity"
	labelInternal = "internal" // true: about the watching, not about what is watched
	labelResolved = "resolved" // true: what was told is over
	labelMissing  = "missing"  // how many lines, where that is known
	labelDropped  = "dropped"  // how many events
)

// Watch is a Watcher at work. It is pure: lines in, events out.
type Watch struct {
	Watcher
	manager  string
	mask     func(string) string
	matchers []matcher
	join     joiner
	labels   map[string]string // of all its events
	state    *Progress
}

// NewWatch makes a Watch that goes on from a state, which it changes. Events are told
// in the name of the manager, with secrets taken out by mask.
func NewWatch(w Watcher, state *Progress, manager string, mask func(string) string) (*Watch, error) {
	out := &Watch{
		Watcher: w, manager: manager, mask: mask, state: state,
		labels: labelled(nil, map[string]string{labelWatch: w.Name, labelMachine: w.Machine, labelUnit: w.Unit, labelFile: w.File}),
	}
	for _, m := range w.Match {
		ready, err := newMatcher(m)
		if err != nil {
			return nil, err
		}
		out.matchers = append(out.matchers, ready)
	}
	if w.Join.Pattern != "" {
		re, err := regexp.Compile(w.Join.Pattern)
		if err != nil {
			return nil, fmt.Errorf("cannot use join of %s: %w", w.Name, err)
		}
		out.join = joiner{re: re, lines: w.Join.Lines, time: w.Join.Time}
	}
	return out, nil
}

// Take takes the next line at now. A line that it was done with before makes nothing.
func (w *Watch) Take(l Line, now time.Time) []heartbeat.Event {
	if l.Place.passed(w.state.Told) {
		return nil
	}
	if l.Dropped > 0 {
		out := append(w.release(), w.Gap(l.Place.At, l.Dropped, l.Text, l.At))
		w.state.Told = l.Place
		return out
	}
	if whole, ok := w.join.take(l, now); ok {
		return w.whole(whole)
	}
	return nil
}

// Idle is what time alone brings about: a line that waits no longer for the next one,
// a window that is over.
func (w *Watch) Idle(now time.Time) []heartbeat.Event {
	var out []heartbeat.Event
	if whole, ok := w.join.over(now); ok {
		out = w.whole(whole)
	}
	if f := w.state.Rate.over(now); f != nil {
		out = append(out, w.flooded(f, now))
	}
	return out
}

// release ends what waits for more lines.
func (w *Watch) release() []heartbeat.Event {
	if w.join.count == 0 {
		return nil
	}
	w.join.count = 0
	return w.whole(w.join.held)
}

// whole looks for the first match in a line.
func (w *Watch) whole(l Line) []heartbeat.Event {
	w.state.Told, w.state.Last = l.Place, l.At
	w.state.Lines++
	for n := range w.matchers {
		h, ok := w.matchers[n].find(l.Text)
		if !ok {
			continue
		}
		var out []heartbeat.Event
		within, over := w.state.Rate.take(l.At, l.Place.At, w.Limit)
		if over != nil {
			out = append(out, w.flooded(over, l.At))
		}
		if !within {
			w.state.Dropped++
			return out
		}
		w.state.Events++
		return append(out, w.matched(h, l))
	}
	return nil
}

func (w *Watch) matched(h hit, l Line) heartbeat.Event {
	if h.severity == "" {
		h.severity = l.Severity
	}
	if h.severity == "" {
		h.severity = Info
	}
	for k, v := range h.labels {
		h.labels[k] = w.mask(v)
	}
	labels := labelled(h.labels, w.labels)
	labels[labelMatch], labels[labelSeverity] = h.match, h.severity
	// Masked before it is cut: a part of a secret would not be found.
	return w.event(w.mask(h.state), shown(w.mask(l.Text), longestReason), l.At, labels).Occur(h.match + " " + l.Place.At)
}

func (w *Watch) event(state, reason string, at time.Time, labels map[string]string) heartbeat.Event {
	return heartbeat.Event{
		Key: heartbeat.Key{Cluster: w.Cluster, Kind: heartbeat.Logs, Name: w.Name}, IP: w.IP, Manager: w.manager,
		Was: heartbeat.Point{State: Watching}, Is: heartbeat.Point{State: state}, At: at, Reason: reason, Labels: labels,
	}
}

func (w *Watch) flooded(f *flood, at time.Time) heartbeat.Event {
	return w.event(Flood, fmt.Sprintf("%d events more than the %d that are told a minute, from %s on", f.dropped, w.Limit, f.from.UTC().Format(time.RFC3339)), at,
		labelled(w.labels, map[string]string{labelSeverity: Warning, labelInternal: "true", labelDropped: strconv.Itoa(f.dropped)})).Occur(Flood + " " + f.first)
}

// Gap is the event that lines may be missing before a place, so many where that is
// known and 0 where not.
func (w *Watch) Gap(place string, missing int, reason string, at time.Time) heartbeat.Event {
	more := map[string]string{labelSeverity: Warning, labelInternal: "true"}
	if missing > 0 {
		more[labelMissing] = strconv.Itoa(missing)
	}
	w.state.Gaps++
	return w.event(Gap, shown(w.mask(reason), longestReason), at, labelled(w.labels, more)).Occur(Gap + " " + place)
}
