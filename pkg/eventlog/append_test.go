package eventlog_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/clmgr/clmgr/pkg/eventlog"
)

func TestAppendAndList(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "not", "yet there")
	log := open(t, folder, eventlog.Options{})
	wantList(t, log, eventlog.Filter{}, nil, 0)
	all := events("a", 0, 10)
	add(t, log, all[:3])
	add(t, log, nil)
	add(t, open(t, folder, eventlog.Options{}), all[3:])
	wantList(t, log, eventlog.Filter{}, all, 0)

	n := 0
	for entry, err := range log.List(t.Context(), eventlog.Filter{}) {
		if err != nil || string(entry.Line) != string(all[n].Line) || !entry.At.Equal(all[n].At) {
			t.Fatalf("entry %d is %+v (%v)", n, entry, err)
		}
		if n++; n == 5 {
			break
		}
	}
	for path, mode := range map[string]fs.FileMode{folder: 0o700, live(folder): 0o600, live(folder) + ".lock": 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v (%v), want mode %v", path, info.Mode(), err, mode)
		}
	}
}

func TestRepeatedBatchIsNotAppendedAgain(t *testing.T) {
	folder := t.TempDir()
	log := open(t, folder, eventlog.Options{MaxSize: 1000}) // some four events a file
	all := events("a", 0, 20)
	for i := range all {
		add(t, log, all[max(0, i-5):i+1]) // each event six times, over the rotations
	}
	add(t, log, []eventlog.Entry{event("b", 0), event("b", 0)})
	wantList(t, log, eventlog.Filter{}, append(all, event("b", 0)), 0)
	var text strings.Builder
	for _, path := range glob(t, folder) {
		part, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(part)
	}
	if got := strings.Count(text.String(), "\n"); got != 21 { // readers would hide a repeat
		t.Errorf("%d lines are in the files, want 21", got)
	}
}

// An id is the same however it is written.
func TestRepeatWrittenOtherwise(t *testing.T) {
	folder := t.TempDir()
	log := open(t, folder, eventlog.Options{})
	for _, line := range []string{
		`{"id":"\u0061\u003cé","time":"2020-11-21T12:00:00Z"}`,
		`{"id":"a<é","time":"2020-11-21T12:00:00Z"}`,
		`{"id":"a<\u00e9","time":"2020-11-21T12:00:00Z","more":true}`,
	} {
		entry, err := eventlog.Parse([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		add(t, log, []eventlog.Entry{entry})
	}
	if text, err := os.ReadFile(live(folder)); err != nil || strings.Count(string(text), "\n") != 1 {
		t.Errorf("the log is (%v)\n%s", err, text)
	}
}

// glob returns the log's files, oldest first.
func glob(t *testing.T, folder string) []string {
	t.Helper()
	rotated, err := filepath.Glob(live(folder) + ".0*")
	if err != nil {
		t.Fatal(err)
	}
	return append(rotated, live(folder))
}

// A batch that is larger than the usual window is still recognised.
func TestRepeatedHugeBatch(t *testing.T) {
	folder := t.TempDir()
	log := open(t, folder, eventlog.Options{})
	batch := events("a", 0, 20_000) // some five megabytes
	add(t, log, batch)
	before, err := os.Stat(live(folder))
	if err != nil || before.Size() < 3<<20 {
		t.Fatal(before.Size(), err)
	}
	add(t, log, events("b", 0, 1000)) // another process in between
	add(t, log, batch)
	after, err := os.ReadFile(live(folder))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(after), "\n"); got != 21_000 {
		t.Errorf("%d lines, want 21000", got)
	}
}

func TestTornLineIsEnded(t *testing.T) {
	whole := string(event("torn", 0).Line)
	for name, test := range map[string]struct {
		tail string
		want []eventlog.Entry
		bad  int
	}{
		"half a line":             {whole[:50], nil, 1},
		"zeros":                   {"\x00\x00\x00", nil, 1},
		"all but the newline":     {whole, []eventlog.Entry{event("torn", 0)}, 0},
		"half a line of a batch":  {string(event("a", 1).Line) + "\n" + whole[:50], []eventlog.Entry{event("a", 1)}, 1},
		"a blank line and a half": {"\n \n" + whole[:1], nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			log := open(t, folder, eventlog.Options{})
			add(t, log, events("a", 0, 1))
			write(t, live(folder), test.tail)
			add(t, log, []eventlog.Entry{event("torn", 0)}) // the retry
			want := slices.Concat(events("a", 0, 1), test.want)
			if test.bad > 0 {
				want = append(want, event("torn", 0))
			}
			wantList(t, log, eventlog.Filter{}, want, test.bad)
		})
	}
}

func TestAppendRefusesWhatIsNoEntry(t *testing.T) {
	folder := t.TempDir()
	log := open(t, folder, eventlog.Options{})
	for _, bad := range []eventlog.Entry{
		{},
		{ID: "a", At: noon, Line: []byte(`{"id":"b","time":"2020-11-21T12:00:00Z"}`)},
		{ID: "a", At: noon, Line: []byte(`{"id":"a","time":"2020-11-21T12:00:01Z"}`)},
		{ID: "a", At: noon, Line: []byte("garbage\n")},
	} {
		err := log.Append(t.Context(), noon, []eventlog.Entry{event("a", 0), bad})
		if err == nil || !strings.HasPrefix(err.Error(), "cannot append to the event log: event 2 ") {
			t.Errorf("Append of %+v: %v", bad, err)
		}
	}
	wantList(t, log, eventlog.Filter{}, nil, 0)
}

func TestAppendWaitsForItsTurn(t *testing.T) {
	folder := t.TempDir()
	log := open(t, folder, eventlog.Options{})
	add(t, log, events("a", 0, 1))
	other := flock.New(live(folder) + ".lock")
	if err := other.Lock(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := log.Append(ctx, noon, events("a", 1, 2))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "events.jsonl.lock") {
		t.Errorf("Append in vain: %v", err)
	}
	wantList(t, log, eventlog.Filter{}, events("a", 0, 1), 0) // readers do not wait
	if err := other.Unlock(); err != nil {
		t.Fatal(err)
	}
	add(t, log, events("a", 1, 2))
	wantList(t, log, eventlog.Filter{}, events("a", 0, 2), 0)
}

func TestInThePlaceOfTheLog(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"a folder":     func(path string) error { return os.Mkdir(path, 0o700) },
		"a named pipe": func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a link":       func(path string) error { return os.Symlink("elsewhere", path) },
	} {
		folder := t.TempDir()
		if err := put(live(folder)); err != nil {
			t.Fatal(err)
		}
		log := open(t, folder, eventlog.Options{})
		if err := log.Append(t.Context(), noon, events("a", 0, 1)); err == nil || !strings.Contains(err.Error(), live(folder)) {
			t.Errorf("%s: Append: %v", name, err)
		}
		if _, _, err := list(t.Context(), log, eventlog.Filter{}); err == nil || !strings.Contains(err.Error(), live(folder)) {
			t.Errorf("%s: List: %v", name, err)
		}
	}
}
