package lab

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// What is mounted in a folder that is removed stays as it is.
func TestRemoveTree(t *testing.T) {
	outside, dir := t.TempDir(), filepath.Join(t.TempDir(), "a folder")
	kept := filepath.Join(outside, "kept")
	if err := os.WriteFile(kept, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x", "x/y"} {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		source, flags := outside, uintptr(syscall.MS_BIND)
		if name == "x" {
			source, flags = "tmpfs", 0
		}
		if err := syscall.Mount(source, at, "tmpfs", flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := removeTree(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the folder is still there")
	}
	if text, err := os.ReadFile(kept); err != nil || string(text) != "kept" {
		t.Errorf("what was mounted: %q, %v", text, err)
	}
}
