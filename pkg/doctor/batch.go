package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/clmgr/clmgr/pkg/eventlog"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// mostBytes is the size of events that are handed over in one document, unless one
// alone is larger: more than a heartbeat of tens of thousands of services makes.
const mostBytes = 16 << 20

// batch is what a script is handed in one run.
type batch struct {
	lines   [][]byte // of the log
	ids     []string // of the events on them
	last    eventlog.Place
	warning error // of what was passed over
	err     error // why no more could be read
}

// next reads what comes after a place.
func (d *Doctor) next(ctx context.Context, place eventlog.Place) batch {
	b, size := batch{last: place}, 0
	for entry, err := range d.opts.Log.After(ctx, place) {
		var gone *eventlog.Gone
		var unreadable *eventlog.Unreadable
		switch {
		case errors.As(err, &gone):
			b.last = eventlog.Place{}
			b.warning = errors.Join(b.warning, err)
			continue
		case errors.As(err, &unreadable):
			b.warning = errors.Join(b.warning, err)
			continue
		case err != nil:
			b.err = err
			return b
		}
		ours := aboutScript(entry.Line)
		if size += len(entry.Line); !ours && len(b.lines) > 0 && size > mostBytes {
			return b
		}
		b.last = entry.Place
		if !ours {
			b.lines, b.ids = append(b.lines, entry.Line), append(b.ids, entry.ID)
		}
	}
	return b
}

// aboutScript tells whether a line tells how a script's run ended: handing that to
// scripts would go on for ever.
func aboutScript(line []byte) bool {
	var head struct {
		Type heartbeat.Kind `json:"type"`
	}
	return json.Unmarshal(line, &head) == nil && head.Type == heartbeat.Scripts
}

// document is the batch as {"events":[…]}, the lines as they stand in the log.
func (b batch) document() []byte {
	text := append([]byte(`{"events":[`), bytes.Join(b.lines, []byte(","))...)
	return append(text, "]}\n"...)
}
