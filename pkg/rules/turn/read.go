package turn

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/clmgr/clmgr/pkg/eventlog"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// reading is what was read of the event log at once.
type reading struct {
	events  []heartbeat.Event
	last    eventlog.Place
	warning error // of what was passed over
	err     error // why no more could be read
}

// read reads what comes after a place, one batch at most.
func (t *Turner) read(ctx context.Context, place eventlog.Place) reading {
	r := reading{last: place}
	for entry, err := range t.o.Log.After(ctx, place) {
		switch {
		case errors.As(err, new(*eventlog.Gone)):
			r.last = eventlog.Place{}
			r.warning = errors.Join(r.warning, err)
			continue
		case errors.As(err, new(*eventlog.Unreadable)):
			r.warning = errors.Join(r.warning, err)
			continue
		case err != nil:
			r.err = err
			return r
		}
		r.last = entry.Place
		var e heartbeat.Event
		if err := json.Unmarshal(entry.Line, &e); err != nil {
			r.warning = errors.Join(r.warning, err)
			continue
		}
		if r.events = append(r.events, e); len(r.events) == batch {
			return r
		}
	}
	return r
}
