package monitor

import (
	"errors"
	"time"
)

// internal is a condition of the watching itself: c.was where it works, c.is where
// err says why it does not. It is kept only while it does not.
func (b *book) internal(s subject, c change, err error, now time.Time) {
	good, state := c.was, c.was
	if err != nil {
		state, c.reason = c.is, err.Error()
	}
	if b.Tracks[c.name] == nil && err == nil {
		return
	}
	t := b.at(c.name, good, now)
	c.was = t.State
	if t.step(state, 0, now) {
		c.is = t.State
		c.labels = map[string]string{labelSeverity: Warning}
		if t.State == good {
			c.labels = over(Warning)
		}
		c.labels[labelInternal] = "true"
		b.tell(s, c, now)
	}
	if t.State == good {
		delete(b.Tracks, c.name)
	}
}

// masked is an error in one line, without secrets; nil for none.
func masked(err error, mask func(string) string) error {
	if err == nil {
		return nil
	}
	return errors.New(oneLine(mask(err.Error()), longestReason))
}

// longestReason is how much of a reason is told, in bytes.
const longestReason = 500
