package turn_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/eventlog"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/rules/turn"
)

func TestQueuesAndTells(t *testing.T) {
	s := newScene(t)
	s.begin()
	r := s.turn()
	if len(r.Queued) != 3 || len(r.Told) != 3 {
		t.Fatalf("%+v", r)
	}
	script := s.queued()["rule told for event e3"][0]
	if script.Do.Level != actions.Scripts || script.Do.Group != "told" || script.Require[actions.RequireAbout] != "node3" || script.Require[actions.RequireManager] != "mgr" {
		t.Errorf("%+v", script)
	}
	var doc heartbeat.EventList
	if err := json.Unmarshal([]byte(script.Require[actions.RequireDocument]), &doc); err != nil || len(doc.Events) != 1 || doc.Events[0].ID != "e3" {
		t.Errorf("%v %+v", err, doc)
	}
	labels := r.Told[2].Labels
	if labels["action"] != script.ID.String() || labels["do"] != "scripts:run:told" || labels["event"] != "e3" {
		t.Errorf("%v", labels)
	}
	if again := s.turn(); len(again.Queued)+len(again.Told) != 0 {
		t.Errorf("%+v", again)
	}
}

// A turn with nothing new writes nothing.
func TestIdle(t *testing.T) {
	s := newScene(t)
	s.begin()
	s.turn()
	s.finish(true)
	s.turn() // reads what was told itself, and acknowledges
	before := s.crashes.count
	for range 10 {
		s.turn()
	}
	if s.crashes.count != before {
		t.Errorf("%d writes", s.crashes.count-before)
	}
}

// The first turn begins with the events since then, not with the whole log.
func TestFirstTurn(t *testing.T) {
	s := newScene(t)
	s.happen(heartbeat.Logs, "old", 1, nil)
	time.Sleep(2 * time.Millisecond) // events have milliseconds
	since := time.Now()
	s.happen(heartbeat.Logs, "new", 2, nil)
	r, err := turn.New(s.opts).Turn(t.Context(), time.Now(), since)
	if err != nil || len(r.Queued) != 1 || r.Told[0].Labels["event"] != "new" {
		t.Errorf("%v %+v", err, r)
	}
}

// Work that is under way is joined, and not begun a second time.
func TestJoins(t *testing.T) {
	s := newScene(t)
	s.happen(heartbeat.Logs, "e1", 1, nil)
	s.happen(heartbeat.Logs, "e2", 1, nil)
	r := s.turn()
	if len(r.Queued) != 2 || r.Queued[0] != r.Queued[1] {
		t.Errorf("%+v", r.Queued)
	}
}

// Turns of several processes, which share nothing but the folder, do each thing once.
func TestTurnsSideBySide(t *testing.T) {
	dir := t.TempDir()
	s := openScene(t, dir)
	s.turn()
	var all sync.WaitGroup
	for range 4 {
		one := openScene(t, dir)
		all.Go(func() {
			for range 20 {
				if _, err := turn.New(one.opts).Turn(t.Context(), time.Now(), time.Now()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := range 100 {
		s.happen(heartbeat.Logs, fmt.Sprint("e", n), n, nil)
	}
	all.Wait()
	s.turn()
	queued := s.queued()
	if told := s.told(); len(queued) != 100 || told["acts"] != 100 {
		t.Errorf("%d queued, told %v", len(queued), told)
	}
	for asked, list := range queued {
		if len(list) != 1 {
			t.Errorf("%s: %d actions", asked, len(list))
		}
	}
}

// The value of a metric is remembered only after what was done for it ended well.
func TestAcknowledges(t *testing.T) {
	acted := map[string]string{"remember": "acted"}
	for _, c := range []struct {
		what   string
		kind   heartbeat.Kind
		labels map[string]string
		well   bool
		want   int
	}{
		{"well", heartbeat.Metrics, acted, true, 1},
		{"not well", heartbeat.Metrics, acted, false, 0},
		{"nobody asked", heartbeat.Metrics, nil, true, 0},
		{"of a log", heartbeat.Logs, acted, true, 0},
	} {
		s := newScene(t)
		s.happen(c.kind, "e1", 1, c.labels)
		s.turn()
		s.turn()
		if len(s.acked) != 0 {
			t.Errorf("%s: acknowledged before it was done", c.what)
		}
		s.finish(c.well)
		s.turn()
		s.turn()
		if len(s.acked) != c.want {
			t.Errorf("%s: acknowledged %v", c.what, s.acked)
		}
		state, err := turn.New(s.opts).State(t.Context())
		if err != nil || len(state.Acting) != 0 {
			t.Errorf("%s: %v %+v", c.what, err, state.Acting)
		}
	}
}

// What is given up is not queued again by the same event; another one queues anew.
func TestFailedAction(t *testing.T) {
	s := newScene(t)
	s.happen(heartbeat.Logs, "e1", 1, nil)
	s.turn()
	s.finish(false)
	s.turn()
	if r := s.turn(); len(r.Queued) != 0 {
		t.Errorf("%+v", r)
	}
	s.opts.Rules[0].MinDelay = time.Hour
	s.happen(heartbeat.Logs, "e2", 1, nil)
	if r := s.turn(); len(r.Queued) != 0 || r.Told[0].Is.State != "kept back" { // the failed one counts
		t.Errorf("%+v", r)
	}
	s.opts.Rules[0].MinDelay = 0
	s.happen(heartbeat.Logs, "e3", 1, nil)
	if r := s.turn(); len(r.Queued) != 1 {
		t.Errorf("%+v", r)
	}
}

// More events than fit into one batch are all decided on, in order.
func TestManyEvents(t *testing.T) {
	s := newScene(t)
	beats := 0
	s.opts.Beat = func() { beats++ }
	s.opts.Automatic = nil
	s.opts.Rules[0].MinDelay = 0
	var list []heartbeat.Event
	for n := range 2500 {
		list = append(list, heartbeat.Event{
			ID: fmt.Sprint("e", n), Key: heartbeat.Key{Cluster: "c", Kind: heartbeat.Logs, Name: "node1"},
			Is: heartbeat.Point{State: "compacted"}, At: time.Now(), Manager: "mgr",
		})
	}
	if err := s.append(t.Context(), list...); err != nil {
		t.Fatal(err)
	}
	r := s.turn()
	if len(r.Told) != 2500 || r.Told[2499].Labels["event"] != "e2499" || beats < 3 {
		t.Errorf("%d told, %d beats", len(r.Told), beats)
	}
}

// A log that lost the place is a warning, and what is left is read.
func TestLostPlace(t *testing.T) {
	s := newScene(t)
	s.happen(heartbeat.Logs, "e1", 1, nil)
	s.turn()
	log, err := eventlog.Open(t.TempDir(), eventlog.Options{Keep: time.Hour, MaxSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	s.opts.Log = log
	s.happen(heartbeat.Logs, "e2", 2, nil)
	r, err := turn.New(s.opts).Turn(t.Context(), time.Now(), time.Now())
	if err != nil || r.Warning == nil || len(r.Queued) != 1 {
		t.Errorf("%v %+v", err, r)
	}
	s.turn()
}

// A state that cannot be read is left alone.
func TestUnreadableState(t *testing.T) {
	s := newScene(t)
	err := s.opts.Store.Update(t.Context(), "rules", "spoil", func([]byte) ([]byte, error) { return []byte(`{"version":9}`), nil })
	if err != nil {
		t.Fatal(err)
	}
	_, err = turn.New(s.opts).Turn(t.Context(), time.Now(), time.Now())
	if err == nil || !strings.Contains(err.Error(), "newer clmgr") || !strings.Contains(err.Error(), "nothing was overwritten") {
		t.Error(err)
	}
	if b, err := s.opts.Store.Get(t.Context(), "rules"); err != nil || string(b) != `{"version":9}` {
		t.Errorf("%s %v", b, err)
	}
}

// A very large event does not fill the queue, which managers share.
func TestLargeEvent(t *testing.T) {
	s := newScene(t)
	s.happen(heartbeat.Metrics, "e1", 1, map[string]string{"line": strings.Repeat("ä", 100_000), "host": "m1"})
	many := map[string]string{}
	for n := range 100 {
		many[fmt.Sprint("label", n)] = strings.Repeat("x", 2000)
	}
	s.happen(heartbeat.Metrics, "e2", 2, many)
	s.turn()
	var labels []int
	for _, asked := range []string{"rule told for event e1", "rule told for event e2"} {
		text := s.queued()[asked][0].Require[actions.RequireDocument]
		var doc heartbeat.EventList
		if err := json.Unmarshal([]byte(text), &doc); err != nil || len(text) > 32<<10 {
			t.Fatalf("%d bytes: %v", len(text), err)
		}
		labels = append(labels, len(doc.Events[0].Labels))
	}
	if !slices.Equal(labels, []int{2, 0}) {
		t.Errorf("labels: %v", labels)
	}
}

// Without rules nothing is read or written.
func TestNoRules(t *testing.T) {
	s := newScene(t)
	s.begin()
	s.opts.Rules = nil
	s.turn()
	if s.crashes.count != 0 {
		t.Errorf("%d writes", s.crashes.count)
	}
}
