package doctor_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/eventlog"
)

// mark returns the path of a script's mark.
func (s site) mark(t *testing.T, script string) string {
	t.Helper()
	found, err := filepath.Glob(s.path("state/doctor/" + script + "-*.json"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the marks of %s are %q (%v)", script, found, err)
	}
	return found[0]
}

// A mark that cannot be read is left as it is, and keeps nobody else waiting.
func TestBrokenMark(t *testing.T) {
	for what, text := range map[string]string{
		"empty": "", "torn": `{"version":1,"scr`, "another's": `{"version":1,"script":"/b","after":{}}`, "no version": `{}`, "newer": `{"version":2}`,
	} {
		t.Run(what, func(t *testing.T) {
			s := newSite(t, eventlog.Options{})
			s.script(t, "a", take)
			s.script(t, "b", take)
			d := s.doctor(time.Minute, "a", "b")
			s.add(t, 0, 1)
			treat(t, d)
			path := s.mark(t, "a")
			good, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s.add(t, 1, 2)
			told, err := d.Treat(t.Context(), noon)
			if err == nil || !strings.Contains(err.Error(), "cannot hand events to "+s.path("a")) || !strings.Contains(err.Error(), path) {
				t.Errorf("%v", err)
			}
			wantStates(t, told, "b: 1 event: exit 0")
			if now, err := os.ReadFile(path); err != nil || string(now) != text {
				t.Errorf("the mark is %q now (%v)", now, err)
			}
			if err := os.WriteFile(path, good, 0o600); err != nil {
				t.Fatal(err)
			}
			wantStates(t, treat(t, d), "a: 1 event: exit 0")
			s.wantDocuments(t, "a", "e0", "e1")
		})
	}
}

// Where what comes next was dropped from the log, it is said once, and what is left
// is handed over.
func TestDroppedFromTheLog(t *testing.T) {
	s := newSite(t, eventlog.Options{MaxSize: 600, Keep: time.Hour}) // two events a file
	s.script(t, "a", take)
	d := s.doctor(time.Minute, "a")
	s.add(t, 0, 2)
	treat(t, d)
	s.add(t, 2, 4)
	s.add(t, 4, 6)
	s.add(t, 6, 8)
	files, err := filepath.Glob(s.path("state/events.jsonl.0*"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		if err := os.Chtimes(file, noon.Add(-day), noon.Add(-day)); err != nil {
			t.Fatal(err)
		}
	}
	s.add(t, 8, 10) // all rotated files but the newest are dropped
	told, err := d.Treat(t.Context(), noon)
	var gone *eventlog.Gone
	if !errors.As(err, &gone) || gone.Place.ID == "" {
		t.Errorf("%v", err)
	}
	wantStates(t, told, "a: 6 events: exit 0")
	s.wantDocuments(t, "a", "e0 e1", "e4 e5 e6 e7 e8 e9")
	s.add(t, 10, 11)
	wantStates(t, treat(t, d), "a: 1 event: exit 0")

	if err := os.RemoveAll(s.path("state/events.jsonl")); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		_ = os.Remove(file)
	}
	if _, err := d.Treat(t.Context(), noon); !errors.As(err, &gone) {
		t.Errorf("%v", err)
	}
	if told := treat(t, d); told != nil { // said once
		t.Errorf("told %q", states(told))
	}
	s.add(t, 11, 12)
	wantStates(t, treat(t, d), "a: 1 event: exit 0")
}

const day = 24 * time.Hour

// Lines that are no events are passed over and said.
func TestUnreadableLine(t *testing.T) {
	s := newSite(t, eventlog.Options{})
	s.script(t, "a", take)
	d := s.doctor(time.Minute, "a")
	s.add(t, 0, 1)
	treat(t, d)
	file, err := os.OpenFile(s.path("state/events.jsonl"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString("nonsense\n"); err != nil {
		t.Fatal(err)
	}
	file.Close()
	s.add(t, 1, 2)
	told, err := d.Treat(t.Context(), noon)
	var unreadable *eventlog.Unreadable
	if !errors.As(err, &unreadable) || unreadable.Lines != 1 {
		t.Errorf("%v", err)
	}
	wantStates(t, told, "a: 1 event: exit 0")
	s.wantDocuments(t, "a", "e0", "e1")
	if told := treat(t, d); told != nil {
		t.Errorf("told %q again", states(told))
	}
}
