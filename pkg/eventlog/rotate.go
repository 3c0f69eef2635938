package eventlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rotatedPath is the path of the rotated file with a number; a higher number is
// a newer file. The zeros make the shell list them in order.
func (l *Log) rotatedPath(number int) string { return fmt.Sprintf("%s.%06d", l.live(), number) }

// rotated returns the numbers of the rotated files, oldest first, and the
// highest number that is taken by anything.
func (l *Log) rotated() (numbers []int, highest int, err error) {
	entries, err := os.ReadDir(l.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	prefix := filepath.Base(l.live()) + "."
	for _, entry := range entries {
		digits, found := strings.CutPrefix(entry.Name(), prefix)
		number, err := strconv.Atoi(digits)
		if !found || err != nil || number <= 0 || filepath.Base(l.rotatedPath(number)) != entry.Name() {
			continue
		}
		highest = max(highest, number)
		if entry.Type().IsRegular() {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers, highest, nil
}

// rotateBefore renames the live file if the batch would push it over the limit,
// and returns the file that the batch goes to. The given file is closed if it
// is another one. The caller holds the lock.
func (l *Log) rotateBefore(live *os.File, batch []Entry) (*os.File, error) {
	info, err := live.Stat()
	if err != nil {
		return live, err
	}
	size := info.Size()
	for _, entry := range batch {
		size += int64(len(entry.Line)) + 1
	}
	if info.Size() == 0 || len(batch) == 0 || size <= l.opts.MaxSize {
		return live, nil
	}
	_, highest, err := l.rotated()
	if err != nil {
		return live, err
	}
	// Nobody syncs a rotated file again, and a writer that died may not have.
	if err := live.Sync(); err != nil {
		return live, err
	}
	if err := os.Rename(l.live(), l.rotatedPath(highest+1)); err != nil {
		return live, err
	}
	next, err := l.openToAppend()
	if err != nil {
		return live, err
	}
	live.Close()
	return next, nil
}

// drop removes the rotated files that were last written to more than Keep before
// now, but not the newest: without it the numbers would begin again, and a
// repeated batch might not be recognised.
func (l *Log) drop(now time.Time) error {
	numbers, _, err := l.rotated()
	if err != nil || len(numbers) == 0 {
		return err
	}
	for _, number := range numbers[:len(numbers)-1] {
		path := l.rotatedPath(number)
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if now.Sub(info.ModTime()) <= l.opts.Keep {
			return nil // the files after it are newer
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}
