package doctor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/clmgr/clmgr/pkg/eventlog"
)

// mark is how far a script has got, held by this process alone.
type mark struct {
	script string
	path   string // of its file
	lock   *flock.Flock
}

// markVersion is the version of the file that this program writes.
const markVersion = 1

type markDocument struct {
	Version int            `json:"version"`
	Script  string         `json:"script"`
	After   eventlog.Place `json:"after"`
}

// retryLock is how often a lock that another heartbeat holds is tried again.
const retryLock = 20 * time.Millisecond

// lock waits until this process alone may move the script's mark, or ctx is done.
// A heartbeat that a script makes does not wait: who runs the script may hold the
// lock, and looks for more events when the script has ended. Then the mark is nil.
func (d *Doctor) lock(ctx context.Context, script string) (*mark, error) {
	if err := makeFolder(d.opts.Dir); err != nil {
		return nil, err
	}
	path := filepath.Join(d.opts.Dir, fileName(script))
	lock := flock.New(path + ".lock")
	if d.opts.Manager != "" && os.Getenv(managerVariable) == d.opts.Manager {
		if free, err := lock.TryLock(); err != nil || !free {
			return nil, err
		}
	} else if _, err := lock.TryLockContext(ctx, retryLock); err != nil {
		return nil, fmt.Errorf("waiting for the lock %s: %w", lock.Path(), err)
	}
	return &mark{script: script, path: path, lock: lock}, nil
}

func (m *mark) close() { m.lock.Close() }

// fileName is the name of a script's mark: legible, and of its own for every path.
func fileName(script string) string {
	base := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			return c
		}
		return '_'
	}, filepath.Base(script))
	hash := sha256.Sum256([]byte(script))
	return base[:min(len(base), 64)] + "-" + hex.EncodeToString(hash[:8]) + ".json"
}

// read returns the place that the script got to; known is false for a script that
// has no mark yet. A mark that cannot be read is left as it is.
func (m *mark) read() (place eventlog.Place, known bool, err error) {
	text, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return place, false, nil
	}
	var doc markDocument
	if err == nil {
		err = json.Unmarshal(text, &doc)
	}
	switch {
	case err != nil:
	case doc.Version > markVersion:
		err = fmt.Errorf("written by a newer clmgr (version %d, this one knows up to %d)", doc.Version, markVersion)
	case doc.Version < 1 || doc.Script != m.script:
		err = errors.New("it is not the mark of this script")
	}
	if err != nil {
		return place, false, fmt.Errorf("cannot read how far it got: %w; nothing was overwritten: look at %s and move it away to begin anew", err, m.path)
	}
	return doc.After, true, nil
}

// write moves the mark. When it returns the mark would survive a power loss.
func (m *mark) write(place eventlog.Place) error {
	text, err := json.Marshal(markDocument{markVersion, m.script, place})
	if err == nil {
		err = m.replace(append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("cannot record how far it got: %w", err)
	}
	return nil
}

// replace needs no temporary name of its own for each writer, who holds the lock.
func (m *mark) replace(text []byte) error {
	temp := m.path + ".new"
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, m.path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(m.path))
}

// makeFolder makes the folder of the marks, durably: without it every script would
// be one that was never seen before.
func makeFolder(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes new names in a folder durable. File systems that cannot do that
// for a folder say EINVAL and need it from nobody.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}
