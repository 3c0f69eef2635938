package manager

import "time"

// nextBeat is when the heartbeat after the one of last is to begin, and how many beats
// between them were missed. Beats keep to their grid: one that took too long does not move
// those after it, and the next one waits for its own time. Prompt has one that is due, but
// late by less than half of an interval, begin at once.
func nextBeat(last, now time.Time, interval time.Duration, prompt bool) (at time.Time, missed int) {
	if last.IsZero() || now.Before(last) { // the clock was set back: the grid begins anew
		return now, 0
	}
	whole := int(now.Sub(last) / interval)
	at = last.Add(time.Duration(whole) * interval)
	if prompt && whole > 0 && now.Sub(at) < interval/2 {
		return at, whole - 1
	}
	return at.Add(interval), whole
}
