package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Journal is the loop that follows the journal of one machine.
type Journal struct {
	options  Options
	watchers []Watcher
}

// NewJournal makes the loop for all watchers of units of one machine.
func NewJournal(o Options, watchers []Watcher) *Journal { return &Journal{o, watchers} }

// Run follows the journal until ctx ends; see the package. At the first start of all it
// begins with what comes from then on. It fails where events cannot be told or the
// place cannot be stored; a journal that cannot be read is tried again and again.
func (j *Journal) Run(ctx context.Context, beat func()) error {
	k, err := newKeeper(ctx, j.options, j.watchers)
	if err != nil {
		return fmt.Errorf("cannot watch the journal of %s: %w", j.watchers[0].Machine, err)
	}
	r := &journalRun{keeper: k, beat: beat, byUnit: map[string][]*Watch{}}
	for _, w := range k.watches {
		r.byUnit[w.Unit] = append(r.byUnit[w.Unit], w)
	}
	if err := k.again(ctx, beat, func() (bool, error) { return r.follow(ctx) }); err != nil {
		return fmt.Errorf("cannot watch the journal of %s: %w", j.watchers[0].Machine, err)
	}
	return nil
}

// journalRun is a Journal at work.
type journalRun struct {
	*keeper
	beat   func()
	byUnit map[string][]*Watch
	order  order
}

// silence is how long a journal may print nothing, not even the entry where we are,
// before we ask whether it has one.
const silence = 15 * time.Second

// follow reads from where we are until journalctl ends. It tells whether it got so far
// as to read anything.
func (r *journalRun) follow(ctx context.Context) (some bool, err error) {
	if r.place == "" {
		if err := r.begin(ctx); err != nil {
			return false, err
		}
	}
	r.order = order{last: parseCursor([]byte(r.place), new(names))}
	pipe, ended, stop, err := r.start(ctx)
	if err != nil {
		return false, err
	}
	defer stop()
	var d decoder
	buf := make([]byte, 256<<10)
	began := time.Now()
	for ctx.Err() == nil {
		wait, err := r.turn(ctx)
		if err != nil {
			return some, keeping(err)
		}
		r.beat()
		_ = pipe.SetReadDeadline(time.Now().Add(wait)) // an os.Pipe has them
		n, readErr := pipe.Read(buf)
		if n > 0 {
			if !some {
				some = true
				if err := r.fine(ctx, time.Now()); err != nil {
					return some, keeping(err)
				}
			}
			now := time.Now()
			if err := d.feed(buf[:n], func(e *entry) { r.take(e, now) }); err != nil {
				return some, err
			}
		}
		switch {
		case readErr == nil, errors.Is(readErr, os.ErrDeadlineExceeded):
		case errors.Is(readErr, io.EOF):
			return some, <-ended
		default:
			return some, fmt.Errorf("cannot read what journalctl prints: %w", readErr)
		}
		if !some && r.place != "" && time.Since(began) > silence {
			return false, r.lost(ctx)
		}
	}
	return some, nil
}

// start starts journalctl at where we are. What it prints comes through a pipe, whose
// reads have deadlines. stop ends it.
func (r *journalRun) start(ctx context.Context) (pipe *os.File, ended <-chan error, stop func(), err error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, nil, nil, fmt.Errorf("cannot follow the journal: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan error, 1)
	go func() {
		err := r.Machine.Stream(ctx, followCommand(r.place), writer)
		if err == nil {
			err = errors.New("journalctl has ended")
		}
		over <- err
		writer.Close()
	}()
	return reader, over, func() { cancel(); reader.Close() }, nil
}

// begin takes the end of the journal as where we are, and stores that, so that nothing
// is lost from now on.
func (r *journalRun) begin(ctx context.Context) error {
	place, err := look(ctx, r.beat, func(ctx context.Context) (string, error) { return newest(ctx, r.Machine) })
	if err != nil {
		return err
	}
	if place == "" {
		return nil // there is nothing yet: all that comes is new
	}
	r.place = place
	return keeping(r.save(ctx))
}

// lost asks the journal whether there is anything where we are or after that. Where
// there is not, we are ahead of its end, as when the machine's disk was put back to an
// earlier state, and begin anew at its end.
func (r *journalRun) lost(ctx context.Context) error {
	there, err := look(ctx, r.beat, func(ctx context.Context) (string, error) { return oneAt(ctx, r.Machine, r.place) })
	if err != nil || there != "" {
		return err // it is only slow
	}
	now, was := time.Now(), r.place
	r.gap(now, was, 0, "the journal ends before the last line that was read: it is not the one that it was")
	r.place = ""
	return r.begin(ctx)
}

// take hands an entry to the watchers of its units.
func (r *journalRun) take(e *entry, now time.Time) {
	if e.cursor.id == "" {
		return // none of the journal's entries is without
	}
	if !r.order.first && r.place == e.cursor.text {
		r.order.first = true
		return // where we are: it was read before
	}
	if missing, reason := r.order.next(e.cursor); reason != "" {
		r.gap(now, e.cursor.text, missing, reason)
	}
	line := e.line(r.place)
	r.place = e.cursor.text
	if line.Text == "" {
		return
	}
	for _, unit := range e.units() {
		if unit == "" {
			continue
		}
		for _, w := range r.byUnit[unit] {
			if events := w.Take(line, now); len(events) > 0 {
				r.add(now, events...)
			}
		}
	}
}
