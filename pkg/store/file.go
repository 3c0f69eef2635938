package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// openSafely is added wherever a path of the folder is opened: a symbolic link
// is refused, because rename would replace the link and not what it points to,
// and a named pipe cannot hang the open.
const openSafely = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// fileStore keeps each document in a file of one folder.
type fileStore struct {
	folder  string
	maxSize int64
	// syncFolder makes a rename in the folder durable. No file system at hand
	// fails here on demand, so a test does it.
	syncFolder func(*os.File) error
}

func newFileStore(folder string, maxSize int64) *fileStore {
	return &fileStore{folder: folder, maxSize: maxSize, syncFolder: syncFolder}
}

// Get reads the document's file, without a lock.
func (s *fileStore) Get(ctx context.Context, key string) ([]byte, error) {
	doc, err := s.get(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", key, err)
	}
	return doc, nil
}

func (s *fileStore) get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	name, err := fileName(key)
	if err != nil {
		return nil, err
	}
	return s.read(s.path(name, documentSuffix))
}

// Update holds the document's lock from before the read until after the write,
// so f is called once.
func (s *fileStore) Update(ctx context.Context, key, why string, f func([]byte) ([]byte, error)) error {
	if err := s.update(ctx, key, f); err != nil {
		return fmt.Errorf("cannot store %q (%s): %w", key, why, err)
	}
	return nil
}

func (s *fileStore) update(ctx context.Context, key string, f func([]byte) ([]byte, error)) error {
	name, err := fileName(key)
	if err != nil {
		return err
	}
	lock, err := s.lock(ctx, name)
	if err != nil {
		return err
	}
	defer lock.Close()

	// Only the holder of the lock makes this file, so one that is there now
	// was left by a writer that died.
	temp := s.path(name, tempSuffix)
	if err := removeIfThere(temp); err != nil {
		return err
	}
	document := s.path(name, documentSuffix)
	old, err := s.read(document)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	// f gets a copy: one that changes it in place must not look like no change.
	next, err := f(bytes.Clone(old))
	switch {
	case err != nil:
		return err
	case bytes.Equal(old, next):
		return nil
	case len(next) == 0:
		return errors.New("the new document is empty")
	case int64(len(next)) > s.maxSize:
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(next), s.maxSize)
	}
	return s.replace(temp, document, next)
}

// read returns the document in the file at path.
func (s *fileStore) read(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|openSafely, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("%w: %s is a symbolic link", ErrCorrupt, path)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: %s is not a file (%s)", ErrCorrupt, path, info.Mode())
	case info.Size() == 0:
		// Seen after a power loss on some file systems, and never written
		// by Update: what was there is gone, which is not "nothing yet".
		return nil, fmt.Errorf("%w: %s is empty", ErrCorrupt, path)
	case info.Size() > s.maxSize:
		return nil, fmt.Errorf("%w: %s has %d bytes, the limit is %d", ErrTooLarge, path, info.Size(), s.maxSize)
	}
	// Update never changes a file once it is in place, so the size holds.
	doc := make([]byte, info.Size())
	if _, err := io.ReadFull(file, doc); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return doc, nil
}

// lock waits until this process alone may write the document, or ctx is done.
//
// The lock is on a file of its own, since the document's file is replaced. It
// is never removed: a waiter could then hold a lock on a file that is gone.
// gofrs/flock asks again and again without blocking in the kernel, so a
// cancelled wait leaves no goroutine behind; its open-flag handling also covers
// NFS. The delay is drawn so that two waiters do not keep in step.
func (s *fileStore) lock(ctx context.Context, name string) (*flock.Flock, error) {
	if err := makeFolder(s.folder); err != nil {
		return nil, err
	}
	path := s.path(name, lockSuffix)
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

func (s *fileStore) path(name, suffix string) string {
	return filepath.Join(s.folder, name+suffix)
}
