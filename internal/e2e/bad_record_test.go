package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBadRecords gives clmgr a record that it cannot read. It says so, still shows
// what it sees, and leaves the record as it is.
func TestBadRecords(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]struct {
		spoil func(good []byte) []byte
		word  string
	}{
		"half-written": {func(b []byte) []byte { return b[:len(b)/2] }, "unexpected end"},
		"empty":        {func([]byte) []byte { return nil }, "is empty"},
		"newer": {func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"version":1`), []byte(`"version":99`), 1)
		}, "newer clmgr"},
		"garbage":      {func([]byte) []byte { return bytes.Repeat([]byte{0, 0xff, '{'}, 4096) }, "invalid character"},
		"another kind": {func([]byte) []byte { return []byte(`["not","a","record"]`) }, "cannot read stored status"},
		"wrong types": {func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"state":"running"`), []byte(`"state":7`), 1)
		}, "cannot unmarshal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoor(t)
			m := newManager(t, doors(map[string]*door{"door": d}))
			m.heartbeat(0)
			good := read(t, m.record("demo"))
			spoilt := bad.spoil(bytes.Clone(good))
			if bytes.Equal(good, spoilt) {
				t.Fatal("the record is not spoilt")
			}
			must(t, os.WriteFile(m.record("demo"), spoilt, 0o600))
			d.shut()
			for range 2 {
				a := m.run("-o", "json", "instances", "heartbeat").want(t, 1, bad.word, "status/demo/watcher")
				if e := parse(t, a.stdout).service(t, "door"); e.State == "running" || e.Stale {
					t.Errorf("what was seen is not shown: %+v", e)
				}
			}
			m.run("instances", "heartbeat", "--last").want(t, 1, bad.word)
			if !bytes.Equal(read(t, m.record("demo")), spoilt) {
				t.Error("the record was overwritten")
			}
			must(t, os.WriteFile(m.record("demo"), good, 0o600))
			wantEvents(t, m.heartbeat(3).Events, shut)
			wantEvents(t, m.log(), shut)
		})
	}
}

// TestBadEventLog has lines in the event log that nobody can read: the others are
// still listed, and new ones come behind them.
func TestBadEventLog(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	m := newManager(t, doors(map[string]*door{"door": d}))
	m.heartbeat(0)
	d.shut()
	wantEvents(t, m.heartbeat(3).Events, shut)
	path := filepath.Join(m.StateDir, "events.jsonl")
	torn := append(read(t, path), "\x00\xff{nonsense\n{\"id\":\"torn\",\"na"...)
	must(t, os.WriteFile(path, torn, 0o600))
	d.open()
	wantEvents(t, m.heartbeat(0).Events, opened)
	a := m.run("-o", "json", "events", "list").want(t, 0, "warning")
	wantEvents(t, parse(t, a.stdout).Events, shut, opened)
	if !bytes.HasPrefix(read(t, path), torn) {
		t.Error("lines that could not be read were overwritten")
	}
}

// TestFullDisk fills the disk under the state folder, and TestReadOnlyDisk forbids
// writing there: what was is kept, and what is seen is recorded once it can be.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	stuck(t, "no space left", func(dir string) (undo func()) {
		filler := filepath.Join(dir, "filler")
		err := os.WriteFile(filler, bytes.Repeat([]byte("x"), 1<<20), 0o600)
		if err == nil {
			t.Fatal("the disk is not full")
		}
		return func() { must(t, os.Remove(filler)) }
	})
}

func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	stuck(t, "read-only file system", func(dir string) (undo func()) {
		remount := func(how string) { tool(t, "mount", "-o", "remount,"+how, dir) }
		remount("ro")
		return func() { remount("rw") }
	})
}

func stuck(t *testing.T, word string, hinder func(dir string) (undo func())) {
	t.Helper()
	dir := t.TempDir()
	tool(t, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", dir)
	t.Cleanup(func() { tool(t, "umount", dir) })
	d := newDoor(t)
	c := doors(map[string]*door{"door": d})
	c.StateDir = dir
	m := newManager(t, c)
	m.heartbeat(0)
	d.shut()
	wantEvents(t, m.heartbeat(3).Events, shut)
	before := files(t, dir)
	d.open()
	undo := hinder(dir)
	for range 2 {
		a := m.run("-o", "json", "instances", "heartbeat").want(t, 1, word)
		if e := parse(t, a.stdout).service(t, "door"); e.State != "running" {
			t.Errorf("what was seen is not shown: %+v", e)
		}
	}
	undo()
	for path, was := range before {
		if now := files(t, dir)[path]; now != was {
			t.Errorf("%s was changed from\n%s to\n%s", path, was, now)
		}
	}
	wantEvents(t, m.heartbeat(0).Events, opened)
	wantEvents(t, m.log(), shut, opened)
	// A folder that is full or read-only from the beginning has nothing to lose.
	c.StateDir = filepath.Join(dir, "fresh")
	fresh := newManager(t, c)
	undo = hinder(dir)
	defer undo()
	fresh.run("instances", "heartbeat").want(t, 1, word)
}

// files returns what is in the files below dir, but for locks and temporary ones.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && !strings.HasSuffix(path, ".lock") && !strings.HasSuffix(path, ".tmp") {
			found[path] = string(read(t, path))
		}
		return err
	})
	must(t, err)
	if len(found) == 0 {
		t.Fatal(fmt.Sprint("no file below ", dir))
	}
	return found
}

// TestStateFolderInTheWay names a file as the folder to remember in.
func TestStateFolderInTheWay(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	c := doors(map[string]*door{"door": d})
	c.StateDir = filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(c.StateDir, []byte("mine"), 0o600))
	newManager(t, c).run("instances", "heartbeat").want(t, 1, c.StateDir)
	if string(read(t, c.StateDir)) != "mine" {
		t.Error("the file was overwritten")
	}
}
