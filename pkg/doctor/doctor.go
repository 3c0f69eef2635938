package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/clmgr/clmgr/pkg/eventlog"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Options are what a Doctor works with.
type Options struct {
	Scripts []string            // executables, and folders of them, in their order
	Timeout time.Duration       // of one run of a script
	Dir     string              // where the marks are kept
	Log     *eventlog.Log       // what is handed over, and where it is told how that ended
	Manager string              // this manager's name
	Mask    func(string) string // takes secrets out of what scripts say; nil for none
}

// Doctor hands events to scripts. It may be used by several goroutines and by
// several processes at once.
type Doctor struct {
	opts Options
	env  []string // of scripts, besides what environment gives them
}

// New makes a Doctor. Nothing is read or run yet.
func New(opts Options) *Doctor {
	if opts.Mask == nil {
		opts.Mask = func(s string) string { return s }
	}
	return &Doctor{opts: opts}
}

// Treat hands every script what came into the event log since its last run, one
// script after another, until nothing is left. A script that was never seen before
// begins with the events of the time since and later. Returned are the events that
// tell how the runs ended, which are in the log already.
//
// The error joins what went wrong with single scripts; the others had their turn
// nevertheless. When ctx is done the script that runs is ended, and keeps its events
// as those after it do.
func (d *Doctor) Treat(ctx context.Context, since time.Time) ([]heartbeat.Event, error) {
	scripts, err := d.scripts()
	failures := []error{err}
	var told []heartbeat.Event
	for _, script := range scripts {
		events, err := d.treat(ctx, script, since)
		told = append(told, events...)
		if err != nil {
			failures = append(failures, fmt.Errorf("cannot hand events to %s: %w", script, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return told, errors.Join(failures...)
}

// treat hands one script its events.
func (d *Doctor) treat(ctx context.Context, script string, since time.Time) ([]heartbeat.Event, error) {
	mark, err := d.lock(ctx, script)
	if err != nil || mark == nil {
		return nil, err
	}
	defer mark.close()
	place, known, err := mark.read()
	if err == nil && !known {
		// Before the first run: a crash in it must find these events again.
		if place, err = d.opts.Log.Before(ctx, since); err == nil {
			err = mark.write(place)
		}
	}
	if err != nil {
		return nil, err
	}
	told, reached, err := d.handOver(ctx, mark, place)
	if reached != place {
		err = errors.Join(err, mark.write(reached))
	}
	return told, err
}

// handOver runs a script until nothing is left for it after a place, and returns
// the place reached, to which the mark is still to be moved. Between two runs it
// moves the mark itself.
func (d *Doctor) handOver(ctx context.Context, mark *mark, place eventlog.Place) ([]heartbeat.Event, eventlog.Place, error) {
	var told []heartbeat.Event
	var warnings error
	for {
		b := d.next(ctx, place)
		warnings = errors.Join(warnings, b.warning)
		switch {
		case b.err != nil:
			return told, place, errors.Join(warnings, b.err)
		case len(b.ids) == 0:
			return told, b.last, warnings
		}
		if len(told) > 0 {
			if err := mark.write(place); err != nil {
				return told, place, errors.Join(warnings, err)
			}
		}
		ran := d.run(ctx, mark.script, b.document())
		event := d.event(mark.script, b.ids, ran)
		told = append(told, event)
		warnings = errors.Join(warnings, d.tell(ctx, event))
		if ran.kept {
			return told, place, errors.Join(warnings, ctx.Err())
		}
		place = b.last
	}
}

// tellTime bounds adding one event to the log, apart from the heartbeat's time: how
// a run ended is worth knowing above all where it was cut short.
const tellTime = 5 * time.Second

// tell adds an event to the log.
func (d *Doctor) tell(ctx context.Context, event heartbeat.Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTime)
	defer cancel()
	line, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("cannot encode event %s: %w", event.ID, err)
	}
	entry, err := eventlog.Parse(line)
	if err != nil {
		return fmt.Errorf("cannot encode event %s: %w", event.ID, err)
	}
	return d.opts.Log.Append(ctx, event.At, []eventlog.Entry{entry})
}
