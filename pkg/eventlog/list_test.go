package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"

	"github.com/clmgr/clmgr/pkg/eventlog"
)

func TestListFilters(t *testing.T) {
	log := open(t, t.TempDir(), eventlog.Options{MaxSize: 1000})
	wantList(t, log, eventlog.Filter{Limit: eventlog.NoPast}, nil, 0)
	all := events("a", 0, 30)
	for _, entry := range all {
		add(t, log, []eventlog.Entry{entry})
	}
	for _, test := range []struct {
		filter eventlog.Filter
		want   []eventlog.Entry
	}{
		{eventlog.Filter{Since: noon.Add(-1)}, all},
		{eventlog.Filter{Since: all[10].At}, all[10:]},
		{eventlog.Filter{Since: all[10].At.Add(1)}, all[11:]},
		{eventlog.Filter{Since: all[29].At.Add(1)}, nil},
		{eventlog.Filter{Limit: 1}, all[29:]},
		{eventlog.Filter{Limit: 7}, all[23:]},
		{eventlog.Filter{Limit: 30}, all},
		{eventlog.Filter{Limit: 100}, all},
		{eventlog.Filter{Limit: 7, Since: all[25].At}, all[25:]},
		{eventlog.Filter{Limit: 3, Since: all[25].At}, all[27:]},
		{eventlog.Filter{Limit: eventlog.NoPast}, nil},
	} {
		wantList(t, log, test.filter, test.want, 0)
	}
}

// What a consumer keeps stays as it was, also what Limit held back.
func TestEntriesMayBeKept(t *testing.T) {
	log := open(t, t.TempDir(), eventlog.Options{})
	all := events("a", 0, 100)
	add(t, log, all)
	for _, filter := range []eventlog.Filter{{}, {Limit: 50}} {
		var kept []eventlog.Entry
		for entry, err := range log.List(t.Context(), filter) {
			if err != nil {
				t.Fatal(err)
			}
			kept = append(kept, entry)
		}
		for i, want := range all[len(all)-len(kept):] {
			if got := kept[i]; string(got.Line) != string(want.Line) || got.ID != want.ID || !got.At.Equal(want.At) {
				t.Fatalf("%+v: entry %d is %s, want %s", filter, i, got.Line, want.Line)
			}
		}
	}
}

func TestReadersDropRepeats(t *testing.T) {
	folder := t.TempDir()
	log := open(t, folder, eventlog.Options{})
	for _, n := range []int{0, 1, 0, 2, 1, 3, 3} {
		write(t, live(folder), string(event("a", n).Line)+"\n")
	}
	wantList(t, log, eventlog.Filter{}, events("a", 0, 4), 0)
	wantList(t, log, eventlog.Filter{Limit: 3}, events("a", 1, 4), 0)
	f := follow(t, log, eventlog.Filter{})
	f.want(t, events("a", 0, 4))
	write(t, live(folder), string(event("a", 2).Line)+"\n"+string(event("a", 4).Line)+"\n")
	f.want(t, events("a", 4, 5))
	f.wantNoMore(t)
}

func TestListStopsWithItsContext(t *testing.T) {
	log := open(t, t.TempDir(), eventlog.Options{})
	add(t, log, events("a", 0, 10))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range log.List(ctx, eventlog.Filter{}) {
		if last = err; err == nil {
			n++
			cancel()
		}
	}
	if n != 1 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d entries and then %v", n, last)
	}
}

func TestGarbage(t *testing.T) {
	folder := t.TempDir()
	garbage := make([]byte, 10<<20)
	for i := range garbage {
		garbage[i] = byte(rand.Uint32())
	}
	garbage[0] = 'x' // a blank first line would be none
	lines := bytes.Count(garbage, []byte("\n"))
	if err := os.WriteFile(live(folder), garbage, 0o600); err != nil {
		t.Fatal(err)
	}
	log := open(t, folder, eventlog.Options{MaxSize: 1 << 20})
	add(t, log, events("a", 0, 2)) // ends the last line, and rotates
	wantFiles(t, folder, "", ".000001")
	write(t, live(folder), "{}\nnonsense\n"+string(event("b", 0).Line)+"\n")

	var warnings []*eventlog.Unreadable
	var got []string
	for entry, err := range log.List(t.Context(), eventlog.Filter{}) {
		var unreadable *eventlog.Unreadable
		switch {
		case errors.As(err, &unreadable):
			warnings = append(warnings, unreadable)
		case err != nil:
			t.Fatal(err)
		default:
			got = append(got, entry.ID)
		}
	}
	if len(got) != 3 || len(warnings) != 2 {
		t.Fatalf("entries %q, warnings %v", got, warnings)
	}
	first, second := warnings[0], warnings[1]
	// Some of the random lines are blank, the last one may be.
	if first.Path != live(folder)+".000001" || first.First != 0 || first.Lines > lines+1 || first.Lines < lines*9/10 {
		t.Errorf("the first warning is %v, of %d lines", first, lines)
	}
	at := int64(len(event("a", 0).Line) + len(event("a", 1).Line) + 2)
	if second.Path != live(folder) || second.Lines != 2 || second.First != at {
		t.Errorf("the second warning is %v, want 2 lines from %d", second, at)
	}
}

// A line without end must not end up in memory.
func TestHugeLineTakesNoMemory(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(live(folder), bytes.Repeat([]byte("x"), 64<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	log := open(t, folder, eventlog.Options{MaxSize: 1 << 30})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	add(t, log, events("a", 0, 1))
	wantList(t, log, eventlog.Filter{}, events("a", 0, 1), 1)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 16<<20 {
		t.Errorf("%d bytes were allocated for a line of %d", got, 64<<20)
	}
}
