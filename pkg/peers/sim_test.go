package peers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	second      = time.Second
	millisecond = time.Millisecond
)

func usual() Settings {
	return Settings{Interval: second, TTL: 10 * second, Window: 100, Threshold: 8, MinSamples: 10, MinDeviation: 0.5}
}

// world is a store, peers that publish once a second, and a watcher that looks four
// times a second.
type world struct {
	*Watcher
	at      time.Duration
	wall    time.Time
	members Members
	reports map[string]Report
	seqs    map[string]uint64 // which a peer knows, whatever becomes of its reports
	mute    map[string]bool   // do not publish
	unread  string
	unpub   string
	lines   []string // the events, each with the second in which it was told
	last    []string // ids
	edit    func(*Report)
}

func newWorld(names ...string) *world {
	w := &world{members: Members{}, reports: map[string]Report{}, seqs: map[string]uint64{}, mute: map[string]bool{}, wall: time.Unix(1e9, 0), edit: func(*Report) {}}
	for _, name := range names {
		w.members = w.members.With(name)
	}
	w.Watcher = NewWatcher("me", usual(), State{})
	return w
}

// restart makes the watcher anew from what it stored.
func (w *world) restart(t *testing.T) {
	t.Helper()
	doc, err := w.State().Encode()
	if err != nil {
		t.Fatal(err)
	}
	known, err := DecodeState(doc)
	if err != nil {
		t.Fatal(err)
	}
	w.Watcher = NewWatcher("me", w.settings, known)
}

// run lets time go by.
func (w *world) run(d time.Duration) *world {
	for end := w.at + d; w.at < end; w.step(second / 4) {
		continue
	}
	return w
}

// step is one turn of everybody after d.
func (w *world) step(d time.Duration) {
	w.at += d
	for _, name := range w.members.Names() {
		if name != "me" && !w.mute[name] && w.unread == "" && (w.at/second != (w.at-d)/second) {
			w.publish(name)
		}
	}
	look := Look{At: w.at, Wall: w.wall.Add(w.at), Unread: w.unread, Unpublished: w.unpub}
	if w.unread == "" {
		w.members = w.members.Merge(w.Members())
		look.Members, look.Reports = w.members, map[string]Seen{}
		for _, name := range w.Ask(w.at) {
			if r, there := w.reports[name]; there {
				look.Reports[name] = Seen{Report: r}
			} else {
				look.Reports[name] = Seen{Problem: "it has no report"}
			}
		}
	}
	for _, e := range w.Pass(look) {
		w.lines = append(w.lines, fmt.Sprintf("%d %s: %s", w.at/second, e.Key.Name, e.Is.State))
		w.last = append(w.last, e.ID)
	}
}

func (w *world) publish(name string) {
	w.seqs[name]++
	r := w.reports[name]
	r.Peer, r.Seq, r.Interval, r.TTL = name, w.seqs[name], second, 10*second
	if r.Life == "" {
		r.Life = "first"
	}
	w.edit(&r)
	w.reports[name] = r
}

// told checks what was told since the last time.
func (w *world) told(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(w.lines, want) {
		t.Errorf("told\n  %s\nwant\n  %s", strings.Join(w.lines, "\n  "), strings.Join(want, "\n  "))
	}
	w.lines = nil
	ids := map[string]bool{}
	for _, id := range w.last {
		ids[id] = true
	}
	if len(ids) != len(w.last) {
		t.Errorf("two events have one id: %v", w.last)
	}
}
