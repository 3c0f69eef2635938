package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/clmgr/clmgr/pkg/actions"
)

// names are all names that a clmgr was killed before and after, by where they are.
func (w *walk) names() map[string][]string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, "met"))
	w.must(err)
	out := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		when, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		out[name] = append(out[name], when)
	}
	return out
}

// words are the parts of all names of one place, which were met before and after.
func (w *walk) words(place string) map[string]bool {
	out := map[string]bool{}
	for name, whens := range w.names() {
		if joined, ok := strings.CutPrefix(name, place+" "); ok && len(whens) == 2 {
			for word := range strings.SplitSeq(joined, "+") {
				out[word] = true
			}
		}
	}
	return out
}

func (w *walk) met(place, word string) bool { return w.words(place)[word] }

// checkNames compares what was met with the moves of the table of transitions.
func (w *walk) checkNames() {
	moves := map[string]bool{}
	for _, e := range actions.Edges() {
		moves[string(e.Move)] = true
	}
	for place, others := range map[string][]string{
		// The last ones of the shared store are what the driver keeps there.
		"shared":  {"add", "heartbeat", "events delivered", "listing", "look", "launch", "launched", "start", "calls"},
		"own":     {"add", "begin", "leases", "look"},
		"driver":  {"instances", "instance", "launch", "start"},
		"machine": {"1", "2"},
	} {
		want := map[string]bool{}
		if place == "shared" || place == "own" {
			want = maps.Clone(moves)
		}
		for _, o := range others {
			want[o] = true
		}
		got := w.words(place)
		for word := range want {
			if !got[word] {
				w.t.Errorf("%s %s: nobody was killed before and after it", place, word)
			}
		}
		for word := range got {
			if !want[word] {
				w.t.Errorf("%s %s: it is in no table", place, word)
			}
		}
	}
}
