package eventlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestLikeAList does what may happen to a log in any order, and wants it to be
// a list of the ids that were appended, in that order: for List, and for
// followers that began at any time and look at any time.
func TestLikeAList(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		folder, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		log, err := Open(folder, Options{MaxSize: rapid.Int64Range(1, 1000).Draw(rt, "max size")})
		if err != nil {
			rt.Fatal(err)
		}
		m := &model{log: log, torn: -1}
		rt.Cleanup(func() {
			for _, f := range m.followers {
				f.reader.cursor.close()
			}
		})
		rt.Repeat(map[string]func(*rapid.T){
			"append": m.append,
			"tear":   m.tear,
			"follow": m.follow,
			"look":   m.look,
			"":       m.list,
		})
	})
}

type model struct {
	log       *Log
	ids       []string
	next      int
	torn      int // the event whose line has no newline yet, -1 where there is none
	followers []*modelFollower
}

type modelFollower struct {
	reader *reader
	got    []string
	past   int // so many ids were in the log when it began, and are not wanted
}

func (m *model) entry(n int) Entry {
	entry, err := Parse(fmt.Appendf(nil, `{"id":"e%d","time":"2020-11-21T12:00:00Z"}`, n))
	if err != nil {
		panic(err)
	}
	return entry
}

// append appends some new events behind some that may be there already.
func (m *model) append(rt *rapid.T) {
	repeat := rapid.IntRange(0, min(5, m.next)).Draw(rt, "repeat")
	fresh := rapid.IntRange(0, 10).Draw(rt, "new")
	var batch []Entry
	for n := m.next - repeat; n < m.next+fresh; n++ {
		batch = append(batch, m.entry(n))
	}
	m.next += fresh
	if err := m.log.Append(context.Background(), time.Time{}, batch); err != nil {
		rt.Fatal(err)
	}
	if len(batch) == 0 {
		return
	}
	if m.torn >= 0 { // it was whole but for the newline
		m.ids, m.torn = append(m.ids, m.entry(m.torn).ID), -1
	}
	for _, entry := range batch {
		if !slices.Contains(m.ids, entry.ID) {
			m.ids = append(m.ids, entry.ID)
		}
	}
}

// tear does what a writer does that is killed while it writes.
func (m *model) tear(rt *rapid.T) {
	if _, err := os.Stat(m.log.live()); err != nil || m.torn >= 0 {
		return // nothing to tear
	}
	line := string(m.entry(m.next).Line) + "\n"
	size := rapid.IntRange(1, len(line)).Draw(rt, "size")
	file, _, err := m.log.open(m.log.live(), os.O_WRONLY|os.O_APPEND)
	if err != nil {
		rt.Fatal(err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Size() > 0 && !m.endsWhole(rt) {
		return // torn already
	}
	if _, err := file.WriteString(line[:size]); err != nil {
		rt.Fatal(err)
	}
	switch size {
	case len(line):
		m.ids = append(m.ids, m.entry(m.next).ID)
		m.next++
	case len(line) - 1:
		m.torn = m.next
		m.next++
	}
}

// endsWhole tells whether the live file ends in a newline.
func (m *model) endsWhole(rt *rapid.T) bool {
	text, err := os.ReadFile(m.log.live())
	if err != nil {
		rt.Fatal(err)
	}
	return text[len(text)-1] == '\n'
}

func (m *model) follow(rt *rapid.T) {
	f := &modelFollower{}
	limit := rapid.SampledFrom([]int{0, NoPast, 3}).Draw(rt, "limit")
	f.reader = &reader{cursor: cursor{log: m.log}, filter: Filter{Limit: limit}, yield: f.take}
	switch limit {
	case NoPast:
		f.past = len(m.ids)
	case 3:
		f.past = max(0, len(m.ids)-3)
	}
	m.followers = append(m.followers, f)
	if err := f.reader.past(context.Background()); err != nil {
		rt.Fatal(err)
	}
	m.check(rt, f)
}

func (f *modelFollower) take(entry Entry, err error) bool {
	if warning := (*Unreadable)(nil); !errors.As(err, &warning) {
		f.got = append(f.got, entry.ID)
	}
	return true
}

// look lets one follower read on.
func (m *model) look(rt *rapid.T) {
	if len(m.followers) == 0 {
		return
	}
	f := rapid.SampledFrom(m.followers).Draw(rt, "follower")
	if err := f.reader.read(context.Background(), f.reader.tell); err != nil {
		rt.Fatal(err)
	}
	m.check(rt, f)
}

func (m *model) check(rt *rapid.T, f *modelFollower) {
	if want := m.ids[f.past:]; !slices.Equal(f.got, want) {
		rt.Fatalf("a follower got %q, want %q", f.got, want)
	}
}

func (m *model) list(rt *rapid.T) {
	f := &modelFollower{}
	for entry, err := range m.log.List(context.Background(), Filter{}) {
		f.take(entry, err)
	}
	m.check(rt, f)
}
