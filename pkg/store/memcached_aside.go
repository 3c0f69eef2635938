package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// How much is set aside: whoever reaches a memcached could otherwise fill our
// disk. An item is 1 MiB at most, unless the memcached was started with -I.
const (
	mostAside    = 16
	largestAside = 4 << 20
)

const asideSuffix = ".item"

// aside keeps copies of what stands under our keys in a memcached and cannot be
// read there: the memcached forgets it, and whoever mends it removes it. Each
// content is kept once, in a file named by its hash.
type aside struct {
	files   *fileStore // for its way of writing files; nil where nothing is kept
	timeout time.Duration
}

func newAside(folder string, timeout time.Duration) aside {
	if folder == "" {
		return aside{}
	}
	return aside{files: newFileStore(folder, largestAside), timeout: timeout}
}

// told adds to err, which says why an item cannot be read, where its copy is. That
// there is none changes nothing else.
func (a aside) told(ctx context.Context, item *memcache.Item, err error) error {
	if a.files == nil || !errors.Is(err, ErrCorrupt) {
		return err
	}
	path, failed := a.keep(ctx, item.Value)
	if failed != nil {
		return fmt.Errorf("%w (it could not be copied: %v)", err, failed) //nolint:errorlint // not what the caller is to act on
	}
	return fmt.Errorf("%w (copied to %s)", err, path)
}

// keep returns the file that holds value, and makes it when needed.
func (a aside) keep(ctx context.Context, value []byte) (string, error) {
	if int64(len(value)) > a.files.maxSize {
		return "", fmt.Errorf("%d bytes, the limit is %d", len(value), a.files.maxSize)
	}
	sum := sha256.Sum256(value)
	path := a.files.path(hex.EncodeToString(sum[:16]), asideSuffix)
	if there, err := holds(path, len(value)); there || err != nil {
		return path, err
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	lock, err := a.files.lock(ctx, "aside")
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if there, err := holds(path, len(value)); there || err != nil {
		return path, err // another process was faster
	}
	if err := a.room(); err != nil {
		return "", err
	}
	temp := a.files.path("aside", tempSuffix)
	if err := removeIfThere(temp); err != nil {
		return "", err
	}
	return path, a.files.replace(temp, path, value)
}

// room tells whether there may be one more.
func (a aside) room() error {
	list, err := os.ReadDir(a.files.folder)
	kept := 0
	for _, entry := range list {
		if filepath.Ext(entry.Name()) == asideSuffix {
			kept++
		}
	}
	if err == nil && kept >= mostAside {
		err = fmt.Errorf("%s holds %d copies already", a.files.folder, kept)
	}
	return err
}

// holds tells whether there is a file of that size.
func holds(path string, size int) (bool, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !info.Mode().IsRegular() || info.Size() != int64(size):
		return false, fmt.Errorf("%s is something else", path)
	}
	return true, nil
}
