package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

// reader turns the lines under a cursor into what a consumer is told.
type reader struct {
	cursor  cursor
	filter  Filter
	yield   func(Entry, error) bool
	seen    repeats
	warning *Unreadable // not told yet
}

// past tells what the filter leaves of what is in the log.
func (r *reader) past(ctx context.Context) error {
	switch {
	case r.filter.Limit == 0:
		return r.read(ctx, r.tell)
	case r.filter.Limit < 0:
		if err := r.cursor.skipToLast(); err != nil {
			return err
		}
		// Read all the same: it leads to the end of the last line, and
		// the ids are not new any more.
		yield := r.yield
		r.yield = func(Entry, error) bool { return true }
		err := r.read(ctx, r.tell)
		r.yield = yield
		return err
	}
	var newest []Entry
	err := r.read(ctx, func(entry Entry) error {
		if len(newest) >= 2*r.filter.Limit { // seldom, so that moving costs little
			newest = slices.Delete(newest, 0, len(newest)-r.filter.Limit)
		}
		newest = append(newest, entry)
		return nil
	})
	if err != nil {
		return err
	}
	for _, entry := range newest[max(0, len(newest)-r.filter.Limit):] {
		if err := r.tell(entry); err != nil {
			return err
		}
	}
	return nil
}

// read gives every entry up to the present end of the log to take, once.
func (r *reader) read(ctx context.Context, take func(Entry) error) error {
	for ctx.Err() == nil {
		line, whole, err := r.cursor.next()
		if errors.Is(err, io.EOF) {
			return r.warn()
		}
		if err != nil {
			return err
		}
		if err := r.takeLine(line, whole, take); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// takeLine gives the entry on a line to take, if there is one and it is wanted.
func (r *reader) takeLine(line []byte, whole bool, take func(Entry) error) error {
	if !whole {
		return r.unreadable()
	}
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return nil
	}
	entry, err := parseHead(line)
	if err != nil {
		return r.unreadable()
	}
	if !r.seen.first(entry.ID) || entry.At.Before(r.filter.Since) {
		return nil
	}
	entry.Line = bytes.Clone(line)
	return take(entry)
}

func (r *reader) tell(entry Entry) error {
	if !r.yield(entry, nil) {
		return errEnough
	}
	return nil
}

// unreadable counts the line under the cursor. One warning a file is enough.
func (r *reader) unreadable() error {
	if r.warning != nil && r.warning.Path != r.cursor.path {
		if err := r.warn(); err != nil {
			return err
		}
	}
	if r.warning == nil {
		r.warning = &Unreadable{Path: r.cursor.path, First: r.cursor.lines.start}
	}
	r.warning.Lines++
	return nil
}

// warn tells the warning that is due.
func (r *reader) warn() error {
	if r.warning == nil {
		return nil
	}
	warning := r.warning
	r.warning = nil
	if !r.yield(Entry{}, warning) {
		return errEnough
	}
	return nil
}

// report tells the error that ends the reading, if the consumer is still there.
func (r *reader) report(err error) {
	if err != nil && !errors.Is(err, errEnough) {
		r.yield(Entry{}, fmt.Errorf("cannot read the event log: %w", err))
	}
}
