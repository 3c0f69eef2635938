package monitor

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// States of whether a query is answered, and of whether a value can be true.
const (
	Answering  = "answering"
	Failed     = "failed"
	InRange    = "in-range"
	OutOfRange = "out-of-range"
)

// What follows the name of a series or metric in the name of such a condition.
const (
	ofRange = "/range"
	ofQuery = "/query"
)

// turn judges an answer. What failed, and what cannot be true, changes no state.
func (m Metric) turn(b *book, o Options, samples []sample, err error, now time.Time) {
	s := m.subject(o.Manager)
	m.redefine(b, s, now)
	named, double := m.named(samples, o.Mask)
	err = cmp.Or(err, double)
	b.internal(s, change{name: m.Name + ofQuery, was: Answering, is: Failed}, masked(err, o.Mask), now)
	if err != nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		m.judge(b, o, s, name, named[name], now)
	}
	m.absent(b, s, named, now)
}

// named gives each series its name. Those that differ in nothing but the label that
// holds the value cannot be told apart.
func (m Metric) named(samples []sample, mask func(string) string) (map[string]sample, error) {
	out := make(map[string]sample, len(samples))
	for _, x := range samples {
		name := mask(m.nameOf(x))
		if _, twice := out[name]; twice {
			return nil, errors.New("several series are called " + name)
		}
		out[name] = x
	}
	return out, nil
}

// nameOf is the metric's name with the labels of the series, in order.
func (m Metric) nameOf(x sample) string {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(x.labels)) {
		if key != "__name__" && key != m.Label {
			pairs = append(pairs, key+"="+strconv.Quote(oneLine(x.labels[key], longestText)))
		}
	}
	if len(pairs) == 0 {
		return m.Name
	}
	return m.Name + "{" + strings.Join(pairs, ",") + "}"
}

// judge moves the condition of one series.
func (m Metric) judge(b *book, o Options, s subject, name string, x sample, now time.Time) {
	v, err := m.value(x)
	b.internal(s, change{name: name + ofRange, was: InRange, is: OutOfRange}, masked(err, o.Mask), now)
	if err != nil {
		return
	}
	v.text = o.Mask(v.text)
	t := b.at(name, m.first(v), now)
	if m.Acted && t.Acked == "" {
		t.Acked = t.State
	}
	labels := map[string]string{}
	for k, text := range x.labels {
		if k != "__name__" {
			labels[k] = o.Mask(oneLine(text, longestText))
		}
	}
	labels[labelValue] = v.text
	m.move(b, s, t, m.state(t, v), change{name: name, labels: labels, reason: "the value is " + cmp.Or(v.text, "empty")}, now)
}

// value is the value of a series where it can be true.
func (m Metric) value(x sample) (value, error) {
	text := x.value
	if m.Label != "" {
		var ok bool
		if text, ok = x.labels[m.Label]; !ok {
			return value{}, errors.New("the series has no label " + m.Label)
		}
	}
	v, err := readValue(text, m.Type)
	if err == nil && m.Type != String && !m.Range.takes(v.number) {
		err = fmt.Errorf("%s is out of range", v.text)
	}
	return v, err
}

// first is the state in which a series begins that was never seen: a condition is as
// it should be, a value is the first one that is seen. A change that is to be acted on
// begins with the first value, so that this is acted on too.
func (m Metric) first(v value) string {
	switch {
	case !m.Change:
		return OK
	case m.Acted:
		return heartbeat.Unknown
	}
	return v.text
}

// state is what a value makes of a condition. What began ends where Until holds; without
// it, where Compare does not.
func (m Metric) state(t *track, v value) string {
	holds := m.Compare.holds(v)
	if t.State != OK && !m.Until.zero() {
		holds = !m.Until.holds(v)
	}
	switch {
	case m.Change:
		return v.text
	case holds:
		return m.Severity
	}
	return OK
}

// move moves a condition and tells of it; where a change waits to be acted on it tells
// that again. What is over needs no action.
func (m Metric) move(b *book, s subject, t *track, state string, c change, now time.Time) {
	hold := m.For
	if state == OK && !m.Change {
		hold = 0
	}
	c.was = t.State
	moved := t.step(state, hold, now)
	if t.State == OK && !m.Change && t.Acked != "" {
		t.Acked = OK
	}
	waits := m.Acted && t.Acked != t.State
	switch {
	case moved:
		t.ToldAt, t.Tries = now, 0
	case waits && t.Next == "" && now.Sub(t.ToldAt) >= m.Repeat:
		t.ToldAt, t.Tries = now, t.Tries+1
	default:
		return
	}
	c.is = t.State
	if c.labels == nil {
		c.labels = map[string]string{}
	}
	c.labels[labelSeverity] = m.Severity
	switch {
	case t.State != OK:
		t.Severity = m.Severity
	case !m.Change:
		maps.Copy(c.labels, over(t.Severity))
	}
	if waits {
		c.was, c.labels[labelRemember] = t.Acked, Acted
		if t.Tries > 0 {
			c.labels[labelRepeated] = strconv.Itoa(t.Tries)
		}
	}
	b.tell(s, c, now)
}
