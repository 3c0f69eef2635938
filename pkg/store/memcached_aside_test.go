package store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/clmgr/clmgr/pkg/store"
)

// openAside returns a Store on the memcached, and the folder of its copies, which
// is not there yet.
func (m *memcachedServer) openAside(t *testing.T) (store.Store, string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "state [1]", "aside")
	return openMemcachedAt(t, m.Address, store.Options{Aside: folder, Timeout: time.Second}), folder
}

// spoil leaves a value as the only item, the pointer of document n.
func (m *memcachedServer) spoil(value []byte) {
	m.t.Helper()
	if len(m.Keys()) == 0 {
		put(m.t, m.open(), "old")
	}
	m.set(m.item(false), 0, value)
}

func asideFile(value []byte) string {
	sum := sha256.Sum256(value)
	return hex.EncodeToString(sum[:16]) + ".item"
}

// wantAside checks that the folder holds a copy of each of the values, for its
// owner alone, and no others.
func wantAside(t *testing.T, folder string, values ...[]byte) {
	t.Helper()
	var want []string
	for _, value := range values {
		path := filepath.Join(folder, asideFile(value))
		got, err := os.ReadFile(path)
		if info, statErr := os.Lstat(path); err != nil || statErr != nil || !bytes.Equal(got, value) || info.Mode() != 0o600 {
			t.Errorf("the copy of %.20q holds %d bytes, %v (%v)", value, len(got), info, errors.Join(err, statErr))
		}
		want = append(want, asideFile(value))
	}
	slices.Sort(want)
	if got := inside(folder); !slices.Equal(got, want) {
		t.Errorf("there are the copies %q, want %q", got, want)
	}
}

// inside are the names of what is in a folder, but for the lock.
func inside(folder string) []string {
	list, _ := os.ReadDir(folder)
	var names []string
	for _, entry := range list {
		if entry.Name() != "aside.lock" {
			names = append(names, entry.Name())
		}
	}
	return names
}

// wantCorruptGet checks what a Get says of an item that cannot be read.
func wantCorruptGet(t *testing.T, s store.Store, says string) {
	t.Helper()
	_, err := s.Get(t.Context(), "n")
	if !errors.Is(err, store.ErrCorrupt) || errors.Is(err, store.ErrUnknown) || errors.Is(err, context.DeadlineExceeded) ||
		!strings.Contains(err.Error(), "has the flags 0") || !strings.Contains(err.Error(), says) {
		t.Errorf("Get: %v, want ErrCorrupt with %q", err, says)
	}
}

// Copies do not fill the disk, and the first ones stay.
func TestMemcachedAsideIsBounded(t *testing.T) {
	m := startMemcached(t, "-I", "8m")
	s, folder := m.openAside(t)
	large := make([]byte, 4<<20+1)
	m.spoil(large)
	wantCorruptGet(t, s, "(it could not be copied: 4194305 bytes, the limit is 4194304)")
	values := [][]byte{large[1:]}
	for n := range 15 {
		values = append(values, fmt.Appendf(nil, "garbage %d", n))
	}
	for _, value := range values {
		m.spoil(value)
		wantCorruptGet(t, s, "(copied to "+filepath.Join(folder, asideFile(value))+")")
	}
	m.spoil([]byte("one more"))
	wantCorruptGet(t, s, "(it could not be copied: "+folder+" holds 16 copies already)")
	m.spoil(values[3])
	wantCorruptGet(t, s, "(copied to "+filepath.Join(folder, asideFile(values[3]))+")")
	wantAside(t, folder, values...)
}

// That there is no copy is told, and changes nothing else.
func TestMemcachedAsideThatCannotBeMade(t *testing.T) {
	m := startMemcached(t)
	value := []byte("garbage")
	m.spoil(value)
	for name, test := range map[string]struct {
		make func(folder string) error
		says string
	}{
		"a file for the folder": {func(folder string) error { return os.WriteFile(folder, nil, 0o600) }, "not a directory"},
		"a folder for the copy": {func(folder string) error { return os.MkdirAll(filepath.Join(folder, asideFile(value)), 0o700) }, "is something else"},
		"a longer copy": {func(folder string) error {
			return errors.Join(os.Mkdir(folder, 0o700), os.WriteFile(filepath.Join(folder, asideFile(value)), []byte("garbage 2"), 0o600))
		}, "is something else"},
		"a folder for the next one": {func(folder string) error { return os.MkdirAll(filepath.Join(folder, "aside.tmp", "x"), 0o700) }, "directory not empty"},
		"the lock is held": {func(folder string) error {
			lock := flock.New(filepath.Join(folder, "aside.lock"))
			t.Cleanup(func() { lock.Close() })
			return errors.Join(os.Mkdir(folder, 0o700), lock.Lock())
		}, "waiting for the lock"},
	} {
		t.Run(name, func(t *testing.T) {
			s, folder := m.openAside(t)
			if err := errors.Join(os.Mkdir(filepath.Dir(folder), 0o700), test.make(folder)); err != nil {
				t.Fatal(err)
			}
			before := inside(folder)
			wantCorruptGet(t, s, "(it could not be copied: ")
			wantCorruptGet(t, s, test.says)
			if after := inside(folder); !slices.Equal(after, before) {
				t.Errorf("there was %q, and is %q", before, after)
			}
		})
	}
}

// Many see it at the same time; one was killed while it wrote its copy.
func TestMemcachedAsideOnce(t *testing.T) {
	m := startMemcached(t)
	value := []byte("garbage")
	m.spoil(value)
	s, folder := m.openAside(t)
	if err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(filepath.Join(folder, "aside.tmp"), []byte("garb"), 0o600)); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		one := openMemcachedAt(t, m.Address, store.Options{Aside: folder})
		all.Go(func() { wantCorruptGet(t, one, "(copied to ") })
	}
	all.Wait()
	path := filepath.Join(folder, asideFile(value))
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	wantCorruptGet(t, s, "(copied to "+path+")")
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("it was copied again (%v)", err)
	}
	wantAside(t, folder, value)
}
