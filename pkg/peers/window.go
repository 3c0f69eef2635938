package peers

import (
	"math"
	"slices"
	"time"
)

// Sample is one arrival of a metric.
type Sample struct {
	Value   string
	Arrived time.Duration // on the watcher's clock
	// Gap lies between this arrival and the one before; 0 where it tells nothing of how
	// regular they are: after a failure, a restart, or a time in which nobody listened.
	Gap time.Duration
}

// Window is the last arrivals of one metric of one peer.
type Window struct {
	most            int
	samples         []Sample // oldest first
	gaps            int
	mean, deviation time.Duration
}

// NewWindow is an empty window for so many arrivals.
func NewWindow(most int) *Window { return &Window{most: most} }

// Add takes an arrival in; the oldest drops out of a full window.
func (w *Window) Add(s Sample) {
	if len(w.samples) >= w.most {
		w.samples = slices.Delete(w.samples, 0, len(w.samples)-w.most+1)
	}
	w.samples = append(w.samples, s)
	w.measure()
}

// All returns the arrivals, newest first.
func (w *Window) All() []Sample {
	out := slices.Clone(w.samples)
	slices.Reverse(out)
	return out
}

// last is when the newest arrived, 0 where there is none.
func (w *Window) last() time.Duration {
	if len(w.samples) == 0 {
		return 0
	}
	return w.samples[len(w.samples)-1].Arrived
}

// Gaps returns the intervals that the window counts with, oldest first.
func (w *Window) Gaps() []time.Duration {
	var out []time.Duration
	for _, s := range w.samples {
		if s.Gap > 0 {
			out = append(out, s.Gap)
		}
	}
	return out
}

// restore takes in intervals that were measured before a restart.
func (w *Window) restore(gaps []time.Duration) {
	for _, g := range gaps[max(0, len(gaps)-w.most):] {
		w.samples = append(w.samples, Sample{Gap: g})
	}
	w.measure()
}

// clear forgets all arrivals.
func (w *Window) clear() {
	w.samples = nil
	w.measure()
}

// measure computes mean and deviation of the intervals, in two passes: the sum of
// squares alone would lose the small differences of large numbers.
func (w *Window) measure() {
	var sum, squares float64
	w.gaps = 0
	for _, s := range w.samples {
		if s.Gap > 0 {
			sum += float64(s.Gap)
			w.gaps++
		}
	}
	if w.gaps == 0 {
		w.mean, w.deviation = 0, 0
		return
	}
	mean := sum / float64(w.gaps)
	for _, s := range w.samples {
		if s.Gap > 0 {
			squares += (float64(s.Gap) - mean) * (float64(s.Gap) - mean)
		}
	}
	w.mean, w.deviation = time.Duration(mean), time.Duration(math.Sqrt(squares/float64(w.gaps)))
}

// Phi is the suspicion of a silence, with the least deviation of the settings; false
// while the window has too few intervals to say. Who is faster than the interval that
// it promised is not late for keeping its promise.
func (w *Window) Phi(silence, promised time.Duration, s Settings) (float64, bool) {
	if w.gaps < max(s.MinSamples, 1) {
		return 0, false
	}
	mean := max(w.mean, promised)
	least := time.Duration(s.MinDeviation * float64(mean))
	return Phi(silence, mean, max(w.deviation, least)), true
}
