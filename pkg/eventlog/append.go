package eventlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Append adds the entries, in their order, to the end of the log, except those
// whose id stands there already: appending the same entries again is safe, and
// is what to do after any error. now is used to drop files older than Keep.
//
// Entries that are not what Parse makes of their lines are refused, and then
// none is written. When a disk fills up a part of the batch may be written.
func (l *Log) Append(ctx context.Context, now time.Time, entries []Entry) error {
	if err := l.append(ctx, now, entries); err != nil {
		return fmt.Errorf("cannot append to the event log: %w", err)
	}
	return nil
}

func (l *Log) append(ctx context.Context, now time.Time, entries []Entry) error {
	batch, size, err := checked(entries)
	if err != nil || len(batch) == 0 {
		return err
	}
	if err := makeFolder(l.folder); err != nil {
		return err
	}
	lock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Close()

	// Dropping comes first, since it may free the space that the batch needs.
	// Where it fails the events are still worth having.
	dropErr := l.drop(now)
	live, err := l.openToAppend()
	if err != nil {
		return errors.Join(err, dropErr)
	}
	defer func() { live.Close() }()
	if batch, err = l.withoutRecent(live, batch, recentBytes+2*size); err != nil {
		return errors.Join(err, dropErr)
	}
	if live, err = l.rotateBefore(live, batch); err != nil {
		return errors.Join(err, dropErr)
	}
	return errors.Join(writeBatch(live, batch), dropErr)
}

// checked returns the entries, without those whose id came before, and their
// size in bytes.
func checked(entries []Entry) (batch []Entry, size int64, err error) {
	ids := make(map[string]bool, len(entries))
	for i, given := range entries {
		entry, err := Parse(given.Line)
		if err == nil && (entry.ID != given.ID || !entry.At.Equal(given.At)) {
			err = errors.New("its line says another id or time")
		}
		if err != nil {
			return nil, 0, fmt.Errorf("event %d (%q): %w", i+1, given.ID, err)
		}
		if !ids[entry.ID] {
			ids[entry.ID] = true
			batch = append(batch, entry)
			size += int64(len(entry.Line)) + 1
		}
	}
	return batch, size, nil
}

// openToAppend opens the live file, with a new line at its end.
func (l *Log) openToAppend() (*os.File, error) {
	live, info, err := l.open(l.live(), os.O_RDWR|os.O_CREATE|os.O_APPEND)
	if err != nil {
		return nil, err
	}
	if info.Size() == 0 {
		// Before the first byte, so that a file with something in it is
		// known to be kept by the folder.
		err = syncFolder(l.folder)
	} else {
		err = endTornLine(live, info.Size())
	}
	if err != nil {
		live.Close()
		return nil, err
	}
	return live, nil
}

// endTornLine puts a newline behind a last line that has none. If the line is
// whole after all it becomes readable, else it is skipped by readers.
func endTornLine(live *os.File, size int64) error {
	last := make([]byte, 1)
	if _, err := live.ReadAt(last, size-1); err != nil {
		return err
	}
	if last[0] == '\n' {
		return nil
	}
	_, err := live.WriteString("\n")
	return err
}

// writeBatch appends the batch and waits until the file is on the disk, also
// where the batch is empty: what made it so may have been written by a process
// that died before its own fsync.
func writeBatch(live *os.File, batch []Entry) error {
	var text []byte
	for _, entry := range batch {
		text = append(append(text, entry.Line...), '\n')
	}
	if len(text) > 0 {
		if _, err := live.Write(text); err != nil {
			return err
		}
	}
	return live.Sync()
}
