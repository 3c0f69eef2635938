package monitor

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// forget is how long what is not seen is remembered.
const forget = 24 * time.Hour

// absent is about the series that are remembered and not in the answer. They are not
// seen and keep their state, unless absence says that they are ok; after a day
// they are forgotten, and what was told of them is told to be over.
func (m Metric) absent(b *book, s subject, named map[string]sample, now time.Time) {
	for _, name := range slices.Sorted(maps.Keys(b.Tracks)) {
		series := strings.TrimSuffix(name, ofRange)
		if _, there := named[series]; there || strings.HasSuffix(name, ofQuery) {
			continue
		}
		t := b.Tracks[name]
		if m.AbsentIsOK && !m.Change && series == name {
			m.move(b, s, t, OK, change{name: name, reason: "the answer has no such series any more"}, now)
		}
		if now.Sub(t.Seen) >= forget {
			b.retire(s, name, m.good, "it has not been seen for a day", now)
		}
	}
}

// good tells whether a state is no trouble.
func (m Metric) good(state string) bool {
	return m.Change && state != OutOfRange || state == OK || state == InRange
}

// redefine forgets the conditions where the metric has become one of another kind. What
// was told of them is told to be over.
func (m Metric) redefine(b *book, s subject, now time.Time) {
	of := "compare"
	if m.Change {
		of = "change"
	}
	if b.Of == of {
		return
	}
	was := Metric{Change: b.Of == "change"}
	for _, name := range slices.Sorted(maps.Keys(b.Tracks)) {
		if !strings.HasSuffix(name, ofQuery) {
			b.retire(s, name, was.good, "the metric is defined otherwise now", now)
		}
	}
	b.Of = of
}
