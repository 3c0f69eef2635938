package eventlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// NoPast as the Limit of a Filter passes over everything that is in the log.
const NoPast = -1

// Filter chooses entries. The zero Filter chooses all.
type Filter struct {
	// Since leaves out entries whose time is before it.
	Since time.Time
	// Limit, if above 0, leaves out all but the newest so many of what is in
	// the log, which are then held in memory; NoPast leaves out all of it.
	// What Follow sees appended later is not limited.
	Limit int
}

// Unreadable is a warning among the errors of List and Follow: lines of a file
// that are not entries were passed over, and reading goes on.
type Unreadable struct {
	Path  string // of the file
	Lines int    // how many, one or more
	First int64  // where the first of them begins, in bytes
}

// Error says where to look.
func (u *Unreadable) Error() string {
	return fmt.Sprintf("%d unreadable line(s) in %s, the first at byte %d", u.Lines, u.Path, u.First)
}

// pollEvery is how often Follow looks for more. With the time to read it this
// bounds how late an entry is seen.
const pollEvery = 100 * time.Millisecond

// List yields what is in the log, oldest first. An error is an *Unreadable, a
// warning, or the last thing that is yielded.
func (l *Log) List(ctx context.Context, filter Filter) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		r := &reader{cursor: cursor{log: l}, filter: filter, yield: yield}
		defer r.cursor.close()
		r.report(r.past(ctx))
	}
}

// Follow yields what is in the log like List, and then each entry that is
// appended, about a tenth of a second later, until ctx is done or an error has
// been yielded that is no *Unreadable. It goes on over rotations, and where the
// file was removed or emptied by somebody with what comes after that; a file
// that was emptied is known by being shorter at the next look.
func (l *Log) Follow(ctx context.Context, filter Filter) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		r := &reader{cursor: cursor{log: l}, filter: filter, yield: yield}
		defer r.cursor.close()
		err := r.past(ctx)
		poll := time.NewTicker(pollEvery)
		defer poll.Stop()
		for err == nil {
			select {
			case <-ctx.Done():
				return
			case <-poll.C:
				err = r.read(ctx, r.tell)
			}
		}
		if ctx.Err() == nil {
			r.report(err)
		}
	}
}

// errEnough says that the consumer wants no more.
var errEnough = errors.New("enough")
