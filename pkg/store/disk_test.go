package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/clmgr/clmgr/internal/children"
	"github.com/clmgr/clmgr/pkg/store"
)

// refused checks that an Update is refused because of want, says which document
// and transition it was about, and leaves the document as it was.
func refused(s store.Store, next []byte, want error, before []byte) error {
	err := s.Update(context.Background(), "status/prod", "heartbeat", func([]byte) ([]byte, error) { return next, nil })
	if !errors.Is(err, want) || errors.Is(err, store.ErrUnknown) {
		return fmt.Errorf("Update: %w, want %w", err, want)
	}
	if !strings.HasPrefix(err.Error(), `cannot store "status/prod" (heartbeat): `) {
		return fmt.Errorf("the error is not clear: %w", err)
	}
	got, err := s.Get(context.Background(), "status/prod")
	if err != nil || !bytes.Equal(got, before) {
		return fmt.Errorf("afterwards the document is %q: %w", got, err)
	}
	return nil
}

// mountSmall mounts a file system of 64 KiB and stores a document there.
func mountSmall(folder string) (store.Store, []byte, error) {
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=64k"); err != nil {
		return nil, nil, fmt.Errorf("mount tmpfs: %w", err)
	}
	s, _, err := openJob([]string{folder})
	if err != nil {
		return nil, nil, err
	}
	before := bytes.Repeat([]byte("old "), 2<<10)
	return s, before, s.Update(context.Background(), "status/prod", "put", func([]byte) ([]byte, error) { return before, nil })
}

func jobFullDisk(args []string) error {
	s, before, err := mountSmall(args[0])
	if err != nil {
		return err
	}
	for _, size := range []int{60 << 10, 200 << 10} {
		if err := refused(s, make([]byte, size), syscall.ENOSPC, before); err != nil {
			return err
		}
	}
	if _, err := os.Lstat(filepath.Join(args[0], "status+prod.tmp")); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("a temporary file fills the disk: %w", err)
	}
	// What still fits is still stored.
	return s.Update(context.Background(), "status/prod", "smaller", func([]byte) ([]byte, error) { return []byte("new"), nil })
}

func TestFullDisk(t *testing.T) { finish(t, ownMounts(children.Command(t, "full disk", t.TempDir()))) }

func jobReadOnly(args []string) error {
	s, before, err := mountSmall(args[0])
	if err != nil {
		return err
	}
	if err := syscall.Mount("", args[0], "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("remount read-only: %w", err)
	}
	return refused(s, []byte("new"), syscall.EROFS, before)
}

func TestReadOnlyDisk(t *testing.T) {
	finish(t, ownMounts(children.Command(t, "read-only", t.TempDir())))
}

// jobNobody may look into the folder but neither write there nor read the
// document "theirs".
func jobNobody(args []string) error {
	if os.Getuid() == 0 {
		if err := syscall.Setuid(65534); err != nil {
			return err
		}
	}
	s, _, err := openJob(args)
	if err != nil {
		return err
	}
	if err := refused(s, []byte("new"), fs.ErrPermission, []byte("old")); err != nil {
		return err
	}
	if _, err := s.Get(context.Background(), "theirs"); !errors.Is(err, fs.ErrPermission) || errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("Get of what may not be read: %w", err)
	}
	return nil
}

func TestNoPermission(t *testing.T) {
	// Not t.TempDir, whose parent is closed to others.
	folder, err := os.MkdirTemp("", "store-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(folder, 0o700); _ = os.RemoveAll(folder) })
	for name, mode := range map[string]fs.FileMode{"status+prod.json": 0o444, "theirs.json": 0} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("old"), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(folder, 0o555); err != nil {
		t.Fatal(err)
	}
	finish(t, children.Command(t, "nobody", folder))
}
