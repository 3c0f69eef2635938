package logs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/monitor/logs"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func newWatch(t testing.TB, w logs.Watcher, p *logs.Progress) *logs.Watch {
	t.Helper()
	out, err := logs.NewWatch(w, p, "mgr", func(s string) string { return strings.ReplaceAll(s, "hunter2", "xxx") })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// lineAt is the nth line of a journal.
func lineAt(n int, text string, at time.Time) logs.Line {
	return logs.Line{
		Text: text, At: at, Place: logs.Place{ID: "j", Seq: uint64(n), At: fmt.Sprintf("c%d", n)}, Before: fmt.Sprintf("c%d", n-1),
	}
}

// gist is what events say, shortly.
func gist(events []heartbeat.Event) []string {
	out := []string{}
	for _, e := range events {
		out = append(out, strings.TrimSpace(e.Is.State+" "+e.Labels["severity"]+" "+e.Reason))
	}
	return out
}

func TestWatchMatches(t *testing.T) {
	w := logs.Watcher{
		Cluster: "c", Name: "db", Machine: "m1", Unit: "u.service", Limit: 100,
		Match: []logs.Match{
			{Name: "lost", Pattern: `(?i)lost connection to (?P<peer>\S+)`, State: "lost $peer", Severity: logs.Warning},
			{Name: "money", Pattern: `^\$(\d+)`, State: "$$$1"},
			{Name: "fatal", Pattern: `FATAL|panic`},
			{Name: "any", Pattern: `connection|password (?P<unit>\S+)(?P<none> not)?`, State: "${none}"},
		},
	}
	for text, want := range map[string]string{
		"nothing":                       "",
		"Lost Connection to 10.0.0.1":   "lost 10.0.0.1 warning Lost Connection to 10.0.0.1",
		"lost connection":               "any info lost connection",
		"$5 and more":                   "$5 info $5 and more",
		"a panic":                       "fatal info a panic",
		"password hunter2":              "any info password xxx",
		"FATAL\x1b[31m\tred\nand \xff.": "fatal info FATAL [31m red and \ufffd.",
	} {
		got := gist(newWatch(t, w, &logs.Progress{}).Take(lineAt(1, text, noon), noon))
		if strings.Join(got, "; ") != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	e := newWatch(t, w, &logs.Progress{}).Take(lineAt(1, "password hunter2", noon), noon)[0]
	want := map[string]string{"watch": "db", "machine": "m1", "unit": "u.service", "match": "any", "severity": "info"}
	if d := cmp.Diff(want, e.Labels); d != "" {
		t.Error(d)
	}
}

// One that cannot be used is refused.
func TestWatchRefuses(t *testing.T) {
	for _, w := range []logs.Watcher{
		{Name: "w", Match: []logs.Match{{Name: "m", Pattern: "("}}},
		{Name: "w", Join: logs.Join{Pattern: "["}},
	} {
		if _, err := logs.NewWatch(w, &logs.Progress{}, "mgr", plain); err == nil || !strings.HasPrefix(err.Error(), "cannot use ") {
			t.Errorf("got %v", err)
		}
	}
}

// The same line again makes nothing where it was done with, and else an event of the
// same id.
func TestWatchRepeats(t *testing.T) {
	w := numbered("w", "u.service")
	var p logs.Progress
	watch := newWatch(t, w, &p)
	first := watch.Take(lineAt(1, "line 1", noon), noon)
	other := watch.Take(lineAt(2, "line 1", noon), noon)
	if len(first) != 1 || len(other) != 1 || first[0].ID == other[0].ID {
		t.Fatalf("got %v and %v", first, other)
	}
	if again := newWatch(t, w, &p).Take(lineAt(2, "line 1", noon), noon); len(again) != 0 {
		t.Errorf("told again: %v", again)
	}
	if again := newWatch(t, w, &logs.Progress{}).Take(lineAt(1, "line 1", noon), noon.Add(time.Hour)); again[0].ID != first[0].ID {
		t.Errorf("the same line has the ids %s and %s", first[0].ID, again[0].ID)
	}
	reborn := lineAt(1, "line 1", noon)
	reborn.Place.ID = "another"
	if fresh := newWatch(t, w, &p).Take(reborn, noon); len(fresh) != 1 {
		t.Errorf("a line of another journal made %v", fresh)
	}
}

func TestWatchJoins(t *testing.T) {
	w := logs.Watcher{
		Name: "w", Limit: 100, Match: []logs.Match{{Name: "all", Pattern: "."}},
		Join: logs.Join{Pattern: `^\s`, Lines: 3, Time: time.Second},
	}
	var p logs.Progress
	watch := newWatch(t, w, &p)
	var got []string
	take := func(n int, text string, after time.Duration) {
		got = append(got, gist(watch.Idle(noon.Add(after)))...)
		got = append(got, gist(watch.Take(lineAt(n, text, noon), noon.Add(after)))...)
	}
	take(1, "a", 0)
	take(2, " b", 100*time.Millisecond)
	if p.Told.Seq != 0 {
		t.Errorf("done with line %d, which waits", p.Told.Seq)
	}
	take(3, "c", 200*time.Millisecond)
	if p.Told.Seq != 2 {
		t.Errorf("done with line %d, want 2", p.Told.Seq)
	}
	take(4, " d", 300*time.Millisecond)
	take(5, " e", 400*time.Millisecond)
	take(6, " f", 500*time.Millisecond) // one more than three
	got = append(got, "late")
	got = append(got, gist(watch.Idle(noon.Add(1499*time.Millisecond)))...)
	got = append(got, gist(watch.Idle(noon.Add(1500*time.Millisecond)))...)
	take(7, " g", 1600*time.Millisecond)
	want := []string{"all info a  b", "all info c  d  e", "late", "all info f"}
	for n := range got {
		got[n] = strings.ReplaceAll(got[n], "info  ", "info ")
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What is longer than a line may be is cut.
func TestWatchJoinsNoMoreThanALine(t *testing.T) {
	w := logs.Watcher{
		Name: "w", Limit: 100, Match: []logs.Match{{Name: "all", Pattern: `(?s)^(?P<all>.*)$`}},
		Join: logs.Join{Pattern: `^\s`, Lines: 1000, Time: time.Second},
	}
	watch := newWatch(t, w, &logs.Progress{})
	for n := range 1000 {
		watch.Take(lineAt(n+1, strings.Repeat(" é", 500), noon), noon)
	}
	e := watch.Idle(noon.Add(time.Minute))
	if len(e) != 1 || len(e[0].Reason) > 520 || !strings.HasSuffix(e[0].Reason, "…") || len(e[0].Labels["all"]) > 260 {
		t.Errorf("got %v", gist(e))
	}
}

// Of a flood so many events are told as a minute may have, and then the number of the
// others, once a minute, by the times of the lines.
func TestWatchLimits(t *testing.T) {
	w := numbered("w", "u.service")
	w.Limit = 3
	var p logs.Progress
	watch := newWatch(t, w, &p)
	var told []heartbeat.Event
	for n := range 150 { // a line a second
		at := noon.Add(time.Duration(n) * time.Second)
		told = append(told, watch.Take(lineAt(n+1, fmt.Sprintf("line %d", n), at), at)...)
	}
	told = append(told, watch.Idle(noon.Add(179*time.Second))...)
	var got []string
	for _, e := range told {
		got = append(got, e.Is.State+e.Labels["number"]+e.Labels["dropped"])
	}
	want := []string{
		"numbered0", "numbered1", "numbered2", "flood57",
		"numbered60", "numbered61", "numbered62", "flood57",
		"numbered120", "numbered121", "numbered122",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	last := watch.Idle(noon.Add(180 * time.Second))
	if len(last) != 1 || last[0].Labels["dropped"] != "27" || last[0].Labels["internal"] != "true" {
		t.Errorf("got %v", last)
	}
	if p.Events != 9 || p.Dropped != 141 || p.Lines != 150 {
		t.Errorf("got %+v", p)
	}
}

// journald's word that it has dropped lines is a gap, after what waited for more lines.
func TestWatchTellsDropped(t *testing.T) {
	w := numbered("w", "u.service")
	w.Join = logs.Join{Pattern: `^\s`, Lines: 3, Time: time.Hour}
	watch := newWatch(t, w, &logs.Progress{})
	watch.Take(lineAt(1, "line 1", noon), noon)
	word := lineAt(2, "Suppressed 12 messages from u.service", noon)
	word.Dropped = 12
	got := watch.Take(word, noon)
	if len(got) != 2 || got[0].Is.State != "numbered" || got[1].Is.State != logs.Gap || got[1].Labels["missing"] != "12" {
		t.Errorf("got %v", got)
	}
}
