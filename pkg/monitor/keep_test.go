package monitor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/store"
)

// opened is a store in a folder.
func opened(t testing.TB, folder string) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "file:"+folder, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// crashing is a store that fails once at the given write, before or after it.
type crashing struct {
	store.Store
	at    int
	after bool
}

var errCrash = errors.New("killed")

func (c *crashing) Update(ctx context.Context, key, why string, f func([]byte) ([]byte, error)) error {
	c.at--
	if c.at == 0 && !c.after {
		return errCrash
	}
	err := c.Store.Update(ctx, key, why, f)
	if c.at == 0 && err == nil {
		return errCrash
	}
	return err
}

// Wherever a turn is cut short: every event is told, in order, and told again only under the
// id that it had.
func TestNothingIsLostOrNew(t *testing.T) {
	folder := t.TempDir()
	for at := range 10 {
		for _, after := range []bool{false, true} {
			for _, telling := range []int{0, 1, 3} {
				c := &crashing{Store: opened(t, folder), at: at, after: after}
				told := c.tellFive(t, fmt.Sprintf("m%d-%v-%d", at, after, telling), telling)
				// The first value that is recorded is none that is told.
				if want := fmt.Sprint([]string{"1", "2", "3", "4"}); fmt.Sprint(told) != want && fmt.Sprint(told) != "[2 3 4]" && fmt.Sprint(told) != "[1 3 4]" &&
					fmt.Sprint(told) != "[1 2 4]" {
					t.Errorf("write %d fails, after it: %v; telling %d fails: told %v", at, after, telling, told)
				}
			}
		}
	}
}

// tellFive has a metric change four times and returns what was told of it under ids that
// were not there before. A change that failed before it was recorded is not known: then the
// value after it is the next.
func (c *crashing) tellFive(t *testing.T, name string, telling int) (told []string) {
	ids := map[string]bool{}
	k := keeper{store: c, key: metricKey("demo", name), tell: func(_ context.Context, events []heartbeat.Event) error {
		if telling--; telling == 0 {
			return errCrash
		}
		for _, e := range events {
			if !ids[e.ID] {
				told = append(told, e.Is.State)
			}
			ids[e.ID] = true
		}
		return nil
	}}
	m := metric(t, "", "", Integer)
	m.Name = name
	for n := range 6 {
		if n == 5 { // the last turn goes well
			c.at, telling = 0, 0
		}
		samples := []sample{{value: fmt.Sprint(min(n, 4))}}
		err := k.turn(t.Context(), "query", noon.Add(time.Duration(n)*time.Minute), func(b *book, now time.Time) { m.turn(b, plain, samples, nil, now) })
		if err != nil && !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
	}
	return told
}

// A look that finds nothing new writes nothing.
func TestNothingNewIsNotWritten(t *testing.T) {
	folder := t.TempDir()
	k := keeper{store: opened(t, folder), key: "watch/metrics/demo/m", tell: func(context.Context, []heartbeat.Event) error { return nil }}
	m := metric(t, "> 0", "", Float)
	look := func(now time.Time) os.FileInfo {
		t.Helper()
		samples := []sample{{value: "1"}}
		if err := k.turn(t.Context(), "query", now, func(b *book, now time.Time) { m.turn(b, plain, samples, nil, now) }); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(folder, "*.json"))
		if err != nil || len(files) != 1 {
			t.Fatalf("%v, %v", files, err)
		}
		info, err := os.Stat(files[0])
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	first := look(noon)
	if again := look(noon.Add(30 * time.Minute)); !os.SameFile(first, again) || !again.ModTime().Equal(first.ModTime()) {
		t.Error("the document was written again")
	}
	if later := look(noon.Add(2 * time.Hour)); os.SameFile(first, later) {
		t.Error("that it is still seen is not written after hours")
	}
}

// What a later clmgr remembers is not written over.
func TestLaterBooksAreLeft(t *testing.T) {
	for _, doc := range []string{`{"version":2}`, `{`, `{"version":1,"tracks":{"m":null}}`} {
		s := opened(t, t.TempDir())
		put := func([]byte) ([]byte, error) { return []byte(doc), nil }
		if err := s.Update(t.Context(), "k", "test", put); err != nil {
			t.Fatal(err)
		}
		k := keeper{store: s, key: "k", tell: func(context.Context, []heartbeat.Event) error { return nil }}
		if err := k.turn(t.Context(), "query", noon, func(*book, time.Time) {}); err == nil {
			t.Errorf("%s is taken", doc)
		}
		if got, err := s.Get(t.Context(), "k"); err != nil || string(got) != doc {
			t.Errorf("%s: %v", got, err)
		}
	}
}

// Acknowledging is about metrics that wait for it, and about nothing else.
func TestAcknowledge(t *testing.T) {
	s := opened(t, t.TempDir())
	var events []heartbeat.Event
	k := keeper{store: s, key: metricKey("demo", "m"), tell: func(_ context.Context, e []heartbeat.Event) error {
		events = append(events, e...)
		return nil
	}}
	m := metric(t, "", "", Float)
	m.Acted, m.Repeat = true, time.Minute
	look := func(minute int) int {
		t.Helper()
		events = nil
		err := k.turn(t.Context(), "query", noon.Add(time.Duration(minute)*time.Minute), func(b *book, now time.Time) { m.turn(b, plain, []sample{{value: "1"}}, nil, now) })
		if err != nil {
			t.Fatal(err)
		}
		return len(events)
	}
	if look(0) != 1 || look(2) != 1 {
		t.Fatalf("%v", events)
	}
	e := events[0]
	for what, change := range map[string]func(*heartbeat.Event){
		"another kind":    func(e *heartbeat.Event) { e.Key.Kind = heartbeat.Logs },
		"no label":        func(e *heartbeat.Event) { e.Labels = nil },
		"another metric":  func(e *heartbeat.Event) { e.Labels = map[string]string{"watch": "x", "remember": Acted} },
		"another series":  func(e *heartbeat.Event) { e.Key.Name = "m{a=\"b\"}" },
		"an older state":  func(e *heartbeat.Event) { e.Is.State = "0" },
		"another cluster": func(e *heartbeat.Event) { e.Key.Cluster = "prod" },
	} {
		other := e
		change(&other)
		if err := Acknowledge(t.Context(), s, other); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if look(4) != 1 {
		t.Error("it does not wait any more")
	}
	if err := Acknowledge(t.Context(), s, events[0]); err != nil {
		t.Fatal(err)
	}
	if look(60) != 0 {
		t.Errorf("still told: %v", events)
	}
}
