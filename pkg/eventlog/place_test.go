package eventlog_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/eventlog"
)

// after returns the ids that come after a place, the place of the last of them,
// and the warnings.
func after(t *testing.T, log *eventlog.Log, place eventlog.Place) (ids []string, last eventlog.Place, gone, bad int) {
	t.Helper()
	last = place
	for entry, err := range log.After(t.Context(), place) {
		var lost *eventlog.Gone
		var unreadable *eventlog.Unreadable
		switch {
		case errors.As(err, &lost):
			gone++
		case errors.As(err, &unreadable):
			bad += unreadable.Lines
		case err != nil:
			t.Fatal(err)
		default:
			ids, last = append(ids, entry.ID), entry.Place
		}
	}
	return ids, last, gone, bad
}

// places returns the place of every entry of the log, by its order.
func places(t *testing.T, log *eventlog.Log) []eventlog.Place {
	t.Helper()
	var all []eventlog.Place
	for entry, err := range log.After(t.Context(), eventlog.Place{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry.Place)
	}
	return all
}

// From every place the rest of the log follows, over any number of rotations.
func TestAfterEveryPlace(t *testing.T) {
	log := open(t, t.TempDir(), eventlog.Options{MaxSize: 1000}) // three events a file
	if got, last, gone, _ := after(t, log, eventlog.Place{}); got != nil || last.ID != "" || gone != 0 {
		t.Fatalf("an empty log: %q, %v, %d", got, last, gone)
	}
	var kept []eventlog.Place // taken while the log grew
	for n := range 20 {
		add(t, log, events("a", n, n+1))
		_, last, _, _ := after(t, log, eventlog.Place{})
		kept = append(kept, last)
	}
	if now := places(t, log); !slices.Equal(kept, now) {
		t.Fatalf("places moved: %v, then %v", kept, now)
	}
	for n, place := range kept {
		got, last, gone, bad := after(t, log, place)
		if want := ids(events("a", n+1, 20)); !slices.Equal(got, want) || gone+bad != 0 || last != kept[19] {
			t.Fatalf("after event %d: %q, then %v, %d gone, %d bad", n, got, last, gone, bad)
		}
	}
}

// What somebody cut out of the log before a place does not make its reader begin
// anew.
func TestAfterEditing(t *testing.T) {
	folder := t.TempDir()
	log := open(t, folder, eventlog.Options{})
	add(t, log, events("a", 0, 6))
	all := places(t, log)
	text, err := os.ReadFile(live(folder))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ = bytes.Cut(text, []byte("\n"))
	if err := os.WriteFile(live(folder), append([]byte("mended\n"), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	for n := 1; n < 6; n++ {
		if got, _, gone, _ := after(t, log, all[n]); !slices.Equal(got, ids(events("a", n+1, 6))) || gone != 0 {
			t.Errorf("after event %d: %q, %d gone", n, got, gone)
		}
	}
	got, _, gone, bad := after(t, log, all[0])
	if !slices.Equal(got, ids(events("a", 1, 6))) || gone != 1 || bad != 1 {
		t.Errorf("after the event that was cut out: %q, %d gone, %d bad", got, gone, bad)
	}
}

func TestAfterWhatWasDropped(t *testing.T) {
	folder := t.TempDir()
	log := open(t, folder, eventlog.Options{MaxSize: 600, Keep: time.Hour}) // two events a file
	add(t, log, events("a", 0, 2))
	first := places(t, log)[0]
	add(t, log, events("a", 2, 4))
	add(t, log, events("a", 4, 6))
	for _, name := range []string{".000001", ".000002"} {
		if err := os.Chtimes(live(folder)+name, noon, noon); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Append(t.Context(), noon.Add(24*time.Hour), events("a", 6, 8)); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, folder, "", ".000002", ".000003")
	if got, _, gone, _ := after(t, log, first); !slices.Equal(got, ids(events("a", 2, 8))) || gone != 1 {
		t.Errorf("%q, %d gone", got, gone)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if got, _, gone, _ := after(t, log, first); got != nil || gone != 1 {
		t.Errorf("without a log: %q, %d gone", got, gone)
	}
}

// A place of nonsense is looked for by its id, and never read out of the file.
func TestAfterOddPlaces(t *testing.T) {
	log := open(t, t.TempDir(), eventlog.Options{})
	add(t, log, events("a", 0, 3))
	for _, place := range []eventlog.Place{
		{ID: "a-0", From: -1, To: 5},
		{ID: "a-0", From: 5, To: 5},
		{ID: "a-0", From: 1 << 40, To: 1<<40 + 9},
		{ID: "a-0", From: 0, To: 1 << 50},
		{ID: "a-0", From: 0, To: 9},
		{ID: "a-0"},
	} {
		if got, _, gone, _ := after(t, log, place); !slices.Equal(got, ids(events("a", 1, 3))) || gone != 0 {
			t.Errorf("%v: %q, %d gone", place, got, gone)
		}
	}
}
