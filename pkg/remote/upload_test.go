package remote_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/clmgr/clmgr/pkg/remote/remotetest"
)

// only waits until a folder holds just these files: a shell that was cut off cleans
// up when it notices.
func only(t testing.TB, dir string, names ...string) {
	t.Helper()
	remotetest.Eventually(t, "the folder holds only "+strings.Join(names, ", "), func() bool {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, e := range entries {
			found = append(found, e.Name())
		}
		return strings.Join(found, "|") == strings.Join(names, "|")
	})
}

func TestUploadWritesWholeFiles(t *testing.T) {
	_, _, h := start(t)
	dir := t.TempDir()
	names := map[string]bool{}
	for _, c := range []struct {
		name string
		mode os.FileMode
		size int
	}{
		{"a", 0o600, 0},
		{"a", 0o755, 10},
		{"it's $HOME `x` \"q\"\\ \n é", 0o640, 3 << 20},
		{"-rf", 0o400, 5},
		{"-rf", 0o444, 6},
	} {
		want := bytes.Repeat([]byte("x"), c.size)
		if err := h.Upload(context.Background(), filepath.Join(dir, c.name), c.mode, bytes.NewReader(want)); err != nil {
			t.Fatal(err)
		}
		names[c.name] = true
		only(t, dir, slices.Sorted(maps.Keys(names))...)
		info, err := os.Stat(filepath.Join(dir, c.name))
		if err != nil || info.Mode() != c.mode {
			t.Errorf("%q: %v, %v", c.name, info, err)
		}
		if got := read(t, filepath.Join(dir, c.name)); got != string(want) {
			t.Errorf("%q: %d bytes of %d", c.name, len(got), len(want))
		}
	}
}

func TestFailedUploadLeavesTheOldFile(t *testing.T) {
	_, srv, h := start(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	if err := h.Upload(context.Background(), file, 0o644, strings.NewReader("old")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := h.Upload(context.Background(), file, 0o644, io.MultiReader(strings.NewReader("new"), failingReader{broken}))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	only(t, dir, "f")
	err = h.Upload(context.Background(), file, 0o644, io.MultiReader(strings.NewReader("new"), readerFunc(func([]byte) (int, error) {
		remotetest.Eventually(t, "the new file is begun", func() bool {
			found, _ := filepath.Glob(dir + "/.f.clmgr-*")
			return len(found) > 0
		})
		// The shell must survive, or it could not do the wrong thing.
		srv.SignalServing(t, syscall.SIGKILL)
		return 0, io.EOF
	})))
	if err == nil {
		t.Error("uploaded over a connection that was cut")
	}
	only(t, dir, "f")
	if got := read(t, file); got != "old" {
		t.Errorf("got %q", got)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestUploadRefusesWhatItCannotDo(t *testing.T) {
	_, _, h := start(t)
	dir := t.TempDir()
	for _, path := range []string{"relative", "", dir + "/", dir + "/missing/f", dir, "/proc/f\x00"} {
		if err := h.Upload(context.Background(), path, 0o600, strings.NewReader("x")); err == nil {
			t.Errorf("uploaded to %q", path)
		}
	}
	if err := h.Upload(context.Background(), dir+"/f", 0o600|os.ModeSetuid, strings.NewReader("x")); err == nil {
		t.Error("uploaded with setuid")
	}
	only(t, dir)
}
