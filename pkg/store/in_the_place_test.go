package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/clmgr/clmgr/pkg/store"
)

// What is in the place of a document and is none is neither taken for "nothing
// yet" nor overwritten.
func TestInThePlaceOfADocument(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(path string) error
		want error
	}{
		{"an empty file", func(path string) error { return os.WriteFile(path, nil, 0o600) }, store.ErrCorrupt},
		{"a folder", func(path string) error { return os.Mkdir(path, 0o700) }, store.ErrCorrupt},
		{"a named pipe", func(path string) error { return syscall.Mkfifo(path, 0o600) }, store.ErrCorrupt},
		{"a link to a file", func(path string) error {
			return errors.Join(os.WriteFile(path+".target", []byte("1"), 0o600), os.Symlink(path+".target", path))
		}, store.ErrCorrupt},
		{"a link to nothing", func(path string) error { return os.Symlink("nothing", path) }, store.ErrCorrupt},
		{"too large a file", func(path string) error { return os.WriteFile(path, make([]byte, 1001), 0o600) }, store.ErrTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "n.json")
			if err := test.make(path); err != nil {
				t.Fatal(err)
			}
			before, _ := os.Lstat(path)
			s, err := store.Open(t.Context(), filepath.Dir(path), store.Options{MaxSize: 1000})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Get(t.Context(), "n")
			if !errors.Is(err, test.want) || errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), path) {
				t.Errorf("Get: %v, want %v with the path", err, test.want)
			}
			err = s.Update(t.Context(), "n", "put", func([]byte) ([]byte, error) {
				t.Error("f was called")
				return []byte("1"), nil
			})
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("Update: %v, want %v with the path", err, test.want)
			}
			if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
				t.Errorf("it was replaced (%v)", err)
			}
		})
	}
}

func TestFolderInThePlaceOfTheOtherFiles(t *testing.T) {
	for _, name := range []string{"n.tmp", "n.lock"} {
		folder := t.TempDir()
		if err := os.MkdirAll(filepath.Join(folder, name, "inside"), 0o700); err != nil {
			t.Fatal(err)
		}
		s := open(t, folder)
		if err := s.Update(t.Context(), "n", "put", increment); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Update with a folder at %s: %v", name, err)
		}
		if _, err := s.Get(t.Context(), "n"); !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
	}
}

func TestFileInThePlaceOfTheFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	if _, err := s.Get(t.Context(), "n"); err == nil || errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if err := s.Update(t.Context(), "n", "put", increment); err == nil {
		t.Error("Update worked")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "mine" {
		t.Errorf("the file is %q (%v)", text, err)
	}
}

func TestOnlyTheOwnerReads(t *testing.T) {
	top := t.TempDir()
	folder := filepath.Join(top, "a", "b")
	s := open(t, folder)
	for range 2 {
		if err := s.Update(t.Context(), "n", "put", increment); err != nil {
			t.Fatal(err)
		}
	}
	err := filepath.WalkDir(filepath.Join(top, "a"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm() != want {
			t.Errorf("%s has mode %s, want %s", path, info.Mode().Perm(), want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, folder, "n.json", "n.lock")
}

func TestNoChangeWritesNothing(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	stat := func() os.FileInfo {
		info, err := os.Stat(filepath.Join(folder, "n.json"))
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	put := func() {
		if err := s.Update(t.Context(), "n", "put", func([]byte) ([]byte, error) { return []byte("1"), nil }); err != nil {
			t.Fatal(err)
		}
	}
	put()
	before := stat()
	put()
	if after := stat(); !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
		t.Error("the same document was written again")
	}
}

func TestSizeLimit(t *testing.T) {
	s, err := store.Open(t.Context(), t.TempDir(), store.Options{MaxSize: 10})
	if err != nil {
		t.Fatal(err)
	}
	put := func(doc string) error {
		return s.Update(t.Context(), "n", "put", func([]byte) ([]byte, error) { return []byte(doc), nil })
	}
	if err := put("0123456789"); err != nil {
		t.Fatal(err)
	}
	if err := put("0123456789a"); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("eleven bytes: %v", err)
	}
	if doc, err := s.Get(t.Context(), "n"); err != nil || string(doc) != "0123456789" {
		t.Errorf("afterwards the document is %q (%v)", doc, err)
	}
}
