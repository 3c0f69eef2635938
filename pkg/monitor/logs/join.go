package logs

import (
	"regexp"
	"time"
)

// Join says which lines belong to the one before.
type Join struct {
	Pattern string        // of a line that goes on with the one before; "" joins none
	Lines   int           // that become one at most
	Time    time.Duration // that a line waits for the next one
}

// joiner makes one line of several.
type joiner struct {
	re    *regexp.Regexp // nil joins nothing
	lines int
	time  time.Duration

	held  Line
	count int       // of lines in held, 0 for none
	since time.Time // the first of them came, by the clock of now
	first uint64    // Seq of the first of them
}

// take adds a line and returns those that are whole now, with ok; a line that does not
// go on with the one before ends that.
func (j *joiner) take(l Line, now time.Time) (whole Line, ok bool) {
	if j.re == nil {
		return l, true
	}
	if j.count > 0 && j.count < j.lines && j.re.MatchString(l.Text) {
		if len(j.held.Text) < longestLine {
			j.held.Text = cut(j.held.Text+"\n"+l.Text, longestLine)
		}
		j.held.Place = l.Place
		j.count++
		return Line{}, false
	}
	whole, ok = j.held, j.count > 0
	j.held, j.count, j.since, j.first = l, 1, now, l.Place.Seq
	return whole, ok
}

// over returns the line that nothing more is waited for at now.
func (j *joiner) over(now time.Time) (Line, bool) {
	if j.count == 0 || now.Before(j.since.Add(j.time)) {
		return Line{}, false
	}
	j.count = 0
	return j.held, true
}
