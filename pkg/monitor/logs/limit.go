package logs

import "time"

// window is how long the events are counted that are bounded together.
const window = time.Minute

// rate counts the events of a window, by the times of their lines.
type rate struct {
	Start   time.Time `json:"start,omitzero"`
	Events  int       `json:"events,omitempty"`
	Dropped int       `json:"dropped,omitempty"`
	First   string    `json:"first,omitempty"` // the place of the first that was dropped
}

// flood is what was dropped in a window.
type flood struct {
	dropped int
	from    time.Time
	first   string
}

// take tells whether one more event is within the limit. A window that is over says
// what it has dropped.
func (r *rate) take(at time.Time, place string, limit int) (bool, *flood) {
	over := r.over(at)
	if r.Start.IsZero() {
		r.Start = at
	}
	if r.Events < limit {
		r.Events++
		return true, over
	}
	if r.Dropped++; r.Dropped == 1 {
		r.First = place
	}
	return false, over
}

// over ends the window where that is over at now.
func (r *rate) over(now time.Time) *flood {
	if r.Start.IsZero() || now.Before(r.Start.Add(window)) {
		return nil
	}
	last := *r
	*r = rate{}
	if last.Dropped == 0 {
		return nil
	}
	return &flood{last.Dropped, last.Start, last.First}
}
