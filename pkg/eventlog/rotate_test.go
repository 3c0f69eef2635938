package eventlog_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/eventlog"
)

func TestRotateBySize(t *testing.T) {
	folder := t.TempDir()
	log := open(t, folder, eventlog.Options{MaxSize: 1000})
	all := events("a", 0, 50)
	for _, entry := range all {
		add(t, log, []eventlog.Entry{entry})
	}
	for _, path := range glob(t, folder) {
		if info, err := os.Stat(path); err != nil || info.Size() > 1000 || info.Size() == 0 {
			t.Errorf("%s has %d bytes (%v)", path, info.Size(), err)
		}
	}
	if files := len(glob(t, folder)); files < 10 {
		t.Errorf("only %d files", files)
	}
	wantList(t, log, eventlog.Filter{}, all, 0)

	big := events("b", 0, 50)
	add(t, log, big) // a file of its own
	add(t, log, events("c", 0, 1))
	wantList(t, log, eventlog.Filter{}, append(append(all, big...), event("c", 0)), 0)
}

func TestDropByAge(t *testing.T) {
	folder := t.TempDir()
	log := open(t, folder, eventlog.Options{MaxSize: 600, Keep: time.Hour}) // two events a file
	add(t, log, events("a", 0, 2))
	add(t, log, events("a", 2, 4))
	add(t, log, events("a", 4, 6))
	add(t, log, events("a", 6, 8))
	wantFiles(t, folder, "", ".000001", ".000002", ".000003")
	now := noon.Add(24 * time.Hour)
	age := func(name string, age time.Duration) {
		t.Helper()
		if err := os.Chtimes(live(folder)+name, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	appendNow := func(from, to int) {
		t.Helper()
		if err := log.Append(t.Context(), now, events("a", from, to)); err != nil {
			t.Fatal(err)
		}
	}

	age(".000001", time.Hour+time.Second)
	age(".000002", time.Hour) // not older than Keep
	age(".000003", time.Minute)
	appendNow(8, 10)
	age(".000004", time.Minute)
	wantFiles(t, folder, "", ".000002", ".000003", ".000004")
	wantList(t, log, eventlog.Filter{}, events("a", 2, 10), 0)

	for _, name := range []string{".000002", ".000003", ".000004", ""} {
		age(name, 2*time.Hour)
	}
	appendNow(8, 10)                    // nothing new, but dropping is due
	wantFiles(t, folder, "", ".000004") // the newest rotated file stays, and the live one
	appendNow(10, 12)                   // rotates what is old
	wantFiles(t, folder, "", ".000004", ".000005")
	appendNow(12, 14)
	wantFiles(t, folder, "", ".000005", ".000006") // numbers go on
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	folder := t.TempDir()
	foreign := []string{"events.jsonl.1", "events.jsonl.gz", "events.jsonl.0000001", "events.jsonl.-00001", "events.json", "other"}
	for _, name := range foreign {
		write(t, filepath.Join(folder, name), "mine\n")
	}
	if err := os.MkdirAll(live(folder)+".000007/inside", 0o700); err != nil {
		t.Fatal(err)
	}
	log := open(t, folder, eventlog.Options{MaxSize: 600, Keep: time.Nanosecond})
	for i := range 30 {
		if err := log.Append(t.Context(), time.Now().Add(time.Hour), events("a", i, i+1)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range foreign {
		if text, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(text) != "mine\n" {
			t.Errorf("%s is now %q (%v)", name, text, err)
		}
	}
	if _, err := os.Stat(live(folder) + ".000008"); err == nil {
		t.Error("nothing was dropped")
	}
	if _, bad, err := list(t.Context(), log, eventlog.Filter{}); err != nil || bad > 0 {
		t.Errorf("%d unreadable lines (%v)", bad, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, opts := range []eventlog.Options{{Keep: -1}, {MaxSize: -1}} {
		if _, err := eventlog.Open(t.TempDir(), opts); err == nil {
			t.Errorf("%+v was taken", opts)
		}
	}
	if _, err := eventlog.Open("", eventlog.Options{}); err == nil {
		t.Error("no folder was taken")
	}
}
