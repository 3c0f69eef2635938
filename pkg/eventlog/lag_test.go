package eventlog

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// A follower that was away for so long that files were dropped misses what was
// in them, and nothing else: it goes on in order, and repeats nothing.
func TestFollowerLagsBehindDropping(t *testing.T) {
	for _, newest := range []int{1, 3, 10, 40} { // events since it looked
		t.Run(fmt.Sprint(newest), func(t *testing.T) {
			log, err := Open(t.TempDir(), Options{MaxSize: 200, Keep: time.Nanosecond}) // three a file
			if err != nil {
				t.Fatal(err)
			}
			m := &model{log: log, torn: -1}
			f := &modelFollower{}
			f.reader = &reader{cursor: cursor{log: log}, yield: f.take}
			defer f.reader.cursor.close()
			grow := func(n int, now time.Time) {
				t.Helper()
				for range n {
					if err := log.Append(context.Background(), now, []Entry{m.entry(m.next)}); err != nil {
						t.Fatal(err)
					}
					m.ids = append(m.ids, m.entry(m.next).ID)
					m.next++
				}
			}
			grow(10, time.Time{})
			if err := f.reader.read(t.Context(), f.reader.tell); err != nil || !slices.Equal(f.got, m.ids) {
				t.Fatalf("got %q (%v)", f.got, err)
			}
			grow(newest, time.Now().Add(time.Hour))
			f.got = nil
			if err := f.reader.read(t.Context(), f.reader.tell); err != nil {
				t.Fatal(err)
			}
			last := 9 // it has seen e0 to e9
			for _, id := range f.got {
				n := slices.Index(m.ids, id)
				if n <= last {
					t.Fatalf("%s came out of order or again: %q", id, f.got)
				}
				last = n
			}
			if kept := min(newest, 4); len(f.got) < kept || f.got[len(f.got)-kept] != m.ids[len(m.ids)-kept] {
				t.Fatalf("got %q of %q", f.got, m.ids)
			}
		})
	}
}
