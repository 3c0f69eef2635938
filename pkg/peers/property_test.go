package peers

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever peers, store and watcher do: of each peer failed and running are told in
// turns, as of the watcher isolated and seeing; what is told is what the state says; no
// two events have one id. And once all is well again, that is what is known in the end.
func TestTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"a", "b", "c", "d"}
		w := newWorld(names...)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			name := rapid.SampledFrom(names).Draw(t, "name")
			switch rapid.IntRange(0, 8).Draw(t, "what") {
			case 0, 1:
				w.mute[name] = true
			case 2, 3:
				w.mute[name] = false
			case 4:
				w.unread = rapid.SampledFrom([]string{"", "no answer"}).Draw(t, "unread")
			case 5:
				w.unpub = rapid.SampledFrom([]string{"", "no answer"}).Draw(t, "unpublished")
			case 6:
				w.members, w.reports = Members{}, map[string]Report{}
			case 7:
				w.at += time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "pause"))
			case 8:
				doc, err := w.State().Encode()
				if err != nil {
					t.Fatal(err)
				}
				known, err := DecodeState(doc)
				if err != nil {
					t.Fatal(err)
				}
				w.Watcher = NewWatcher("me", usual(), known)
			}
			w.run(time.Duration(rapid.Int64Range(0, int64(20*second)).Draw(t, "time")))
			inTurns(t, w)
		}
		w.mute, w.unread, w.unpub = map[string]bool{}, "", ""
		w.run(60 * second)
		inTurns(t, w)
		if s := w.State(); len(s.Failed) > 0 || s.Isolation != nil {
			t.Fatalf("all is well, but %v failed, isolation %v", s.Failed, s.Isolation)
		}
	})
}

func inTurns(t *rapid.T, w *world) {
	state := map[string]string{}
	for _, line := range w.lines {
		name, is, _ := strings.Cut(line[strings.IndexByte(line, ' ')+1:], ": ")
		if before := state[name]; before == is || before == "" && (is == alive || is == seeing) {
			t.Fatalf("%s is told after %q in %q", is, before, w.lines)
		}
		state[name] = is
	}
	now := w.State()
	maps.DeleteFunc(state, func(_, is string) bool { return is != failed })
	if told := slices.Sorted(maps.Keys(state)); !slices.Equal(told, now.Failed) {
		t.Fatalf("told failed %v, state %v", told, now.Failed)
	}
	if slices.Sort(w.last); len(slices.Compact(slices.Clone(w.last))) != len(w.last) {
		t.Fatal("two events have one id")
	}
}

// One that lives and is never more than three intervals late is never told to have
// failed, however irregular it is.
func TestNeverWithoutReason(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewWatcher("me", usual(), State{Members: Members{"a": 1, "b": 1}})
		at := time.Duration(0)
		next := map[string]time.Duration{}
		seqs := map[string]uint64{}
		for range rapid.IntRange(1, 300).Draw(t, "looks") {
			at += time.Duration(rapid.Int64Range(int64(second/10), int64(second/2)).Draw(t, "tick"))
			look := Look{At: at, Wall: time.Unix(0, 0).Add(at), Reports: map[string]Seen{}}
			for _, name := range []string{"a", "b"} {
				if at >= next[name] {
					seqs[name]++
					next[name] = at + time.Duration(rapid.Int64Range(0, int64(2800*millisecond)).Draw(t, name))
				}
				look.Reports[name] = Seen{Report: Report{Peer: name, Life: "x", Seq: seqs[name], Interval: second, TTL: 10 * second}}
			}
			if events := w.Pass(look); len(events) > 0 {
				t.Fatalf("told %v", events)
			}
		}
	})
}
