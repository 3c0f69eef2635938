package eventlog

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// What Options mean where they say nothing.
const (
	DefaultKeep    = 720 * time.Hour
	DefaultMaxSize = 64 << 20 // bytes
)

// Options say how much is kept. The zero value is good.
type Options struct {
	// Keep is for how long an event is kept at least, 0 for DefaultKeep.
	Keep time.Duration
	// MaxSize is the size in bytes before the file is rotated, 0 for
	// DefaultMaxSize.
	MaxSize int64
}

// Log is the event log of one folder. It may be used by several goroutines and
// by several processes at once.
type Log struct {
	folder string
	opts   Options
}

// Open returns the log in folder. It touches no file: the first Append makes
// what is missing, and until then the log is empty.
func Open(folder string, opts Options) (*Log, error) {
	if opts.Keep < 0 || opts.MaxSize < 0 {
		return nil, fmt.Errorf("cannot open event log: keep %v, at most %d bytes a file", opts.Keep, opts.MaxSize)
	}
	if folder == "" {
		return nil, errors.New("cannot open event log: no folder")
	}
	if opts.Keep == 0 {
		opts.Keep = DefaultKeep
	}
	if opts.MaxSize == 0 {
		opts.MaxSize = DefaultMaxSize
	}
	return &Log{folder: folder, opts: opts}, nil
}

// openSafely is added wherever a file of the log is opened: a symbolic link is
// refused, since rotating would rename the link and not the file, and a named
// pipe cannot hang the open.
const openSafely = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// live is the path of the file that is appended to.
func (l *Log) live() string { return filepath.Join(l.folder, "events.jsonl") }

// open opens a file of the log, which must be a regular one.
func (l *Log) open(path string, flags int) (*os.File, os.FileInfo, error) {
	file, err := os.OpenFile(path, flags|openSafely, 0o600)
	if errors.Is(err, syscall.ELOOP) {
		return nil, nil, fmt.Errorf("%s is a symbolic link", path)
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file (%s)", path, info.Mode())
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// lock waits until this process alone may write to the log, or ctx is done. The
// lock is on a file of its own, since the log's file is renamed. gofrs/flock
// asks again and again without blocking in the kernel, so a cancelled wait
// leaves no goroutine behind; the delay is drawn so that two waiters do not
// keep in step.
func (l *Log) lock(ctx context.Context) (*flock.Flock, error) {
	path := l.live() + ".lock"
	lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDONLY|openSafely))
	delay := time.Millisecond + rand.N(2*time.Millisecond) //nolint:gosec // only spreads waiters
	if _, err := lock.TryLockContext(ctx, delay); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("waiting for the lock %s: %w", path, err)
		}
		return nil, err
	}
	return lock, nil
}
