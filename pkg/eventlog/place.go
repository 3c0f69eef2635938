package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"time"
)

// Place is where an entry stands, for a reader that goes on later, in another
// process. The file is not named: rotating renames it, and the id tells. The zero
// Place is before the first entry.
type Place struct {
	ID   string `json:"id"`
	From int64  `json:"from"` // where its line begins in its file, in bytes
	To   int64  `json:"to"`   // where the next one begins
}

// Placed is an entry and where it stands.
type Placed struct {
	Entry
	Place Place
}

// Gone is a warning among the errors of After: the entry of the place is not in
// the log any more, so that what came after it may be lost as well. Reading goes
// on with the oldest entry that is left.
type Gone struct{ Place Place }

// Error says which entry is looked for.
func (g *Gone) Error() string {
	return fmt.Sprintf("the event %s is not in the log any more, and what came after it may be lost too", g.Place.ID)
}

// After yields what came after a place, oldest first. An error is a *Gone or an
// *Unreadable, which are warnings, or the last thing that is yielded.
func (l *Log) After(ctx context.Context, place Place) iter.Seq2[Placed, error] {
	return func(yield func(Placed, error) bool) {
		r := &reader{cursor: cursor{log: l}}
		defer func() { r.cursor.close() }()
		r.yield = func(entry Entry, err error) bool {
			if err != nil {
				return yield(Placed{}, err)
			}
			at := r.cursor.lines
			return yield(Placed{entry, Place{entry.ID, at.start, at.offset}}, nil)
		}
		err := r.pass(ctx, place)
		if err == nil {
			err = r.read(ctx, r.tell)
		}
		r.report(err)
	}
}

// Before returns the place before the first event of the time since or later: where
// a reader begins that does not care for what was before. Lines that cannot be read
// are passed over.
func (l *Log) Before(ctx context.Context, since time.Time) (Place, error) {
	since = since.Truncate(time.Millisecond) // as the times of events are
	var place Place
	for entry, err := range l.After(ctx, place) {
		switch {
		case errors.As(err, new(*Unreadable)):
			continue
		case err != nil:
			return place, err
		case !entry.At.Before(since):
			return place, nil
		}
		place = entry.Place
	}
	return place, nil
}

// pass goes on to behind a place. Where its line is not where it was, as after
// somebody edited the log, the entry is searched for by its id.
func (r *reader) pass(ctx context.Context, place Place) error {
	if place.ID == "" {
		return nil
	}
	found, err := r.cursor.moveTo(place)
	if found || err != nil {
		return err
	}
	yield := r.yield
	r.yield = func(Entry, error) bool { return true }
	err = r.read(ctx, func(entry Entry) error {
		if entry.ID == place.ID {
			return errEnough
		}
		return nil
	})
	r.yield = yield
	if errors.Is(err, errEnough) {
		return nil
	}
	if err != nil {
		return err
	}
	r.cursor.close()
	r.cursor, r.seen = cursor{log: r.cursor.log}, repeats{}
	if !r.yield(Entry{}, &Gone{place}) {
		return errEnough
	}
	return nil
}

// moveTo sets the cursor behind the line at a place, if it stands there in one of
// the files. The live one comes first: one that is rotated meanwhile is then
// among the others.
func (c *cursor) moveTo(place Place) (found bool, err error) {
	if found, err = c.moveIn(c.log.live(), 0, place); found || err != nil {
		return found, err
	}
	numbers, _, err := c.log.rotated()
	for i := len(numbers) - 1; i >= 0 && !found && err == nil; i-- {
		found, err = c.moveIn(c.log.rotatedPath(numbers[i]), numbers[i], place)
	}
	return found, err
}

func (c *cursor) moveIn(path string, number int, place Place) (found bool, err error) {
	file, _, err := c.log.open(path, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if found, err = place.standsIn(file); found {
		_, err = file.Seek(place.To, io.SeekStart)
	}
	if err != nil || !found {
		file.Close()
		return false, err
	}
	c.begin(file, path, number)
	c.lines = newLines(file, place.To, false)
	return true, nil
}

// standsIn tells whether the line at the place in a file is the entry's.
func (p Place) standsIn(file io.ReaderAt) (bool, error) {
	size := p.To - p.From
	if p.From < 0 || size < 2 || size > maxLine+1 {
		return false, nil
	}
	line := make([]byte, size)
	if _, err := file.ReadAt(line, p.From); err != nil {
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		return false, err
	}
	text, ended := bytes.CutSuffix(line, []byte("\n"))
	entry, err := parseHead(bytes.TrimSpace(text))
	return ended && err == nil && entry.ID == p.ID, nil
}
