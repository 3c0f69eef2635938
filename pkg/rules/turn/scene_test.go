package turn_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/eventlog"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/rules"
	"github.com/clmgr/clmgr/pkg/rules/turn"
	"github.com/clmgr/clmgr/pkg/store"
)

// scene is a manager's state folder with an event log, a queue and two rules: what
// says "compacted" is restarted, and a script runs for every metric.
type scene struct {
	t       *testing.T
	dir     string
	opts    turn.Options
	crashes *crashes
	acked   []string // the ids of events that were acknowledged
}

func newScene(t *testing.T) *scene {
	t.Helper()
	return openScene(t, t.TempDir())
}

func openScene(t *testing.T, dir string) *scene {
	t.Helper()
	s := &scene{t: t, dir: dir, crashes: &crashes{}}
	own, shared := s.store("own"), s.store("store")
	log, err := eventlog.Open(dir, eventlog.Options{Keep: 30 * 24 * time.Hour, MaxSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	words := actions.UsualWords()
	words.Groups = map[string]map[string]bool{"c": {"all": true, "c": true}}
	for n := range 100 {
		words.Groups["c"][fmt.Sprint("node", n)] = true
	}
	words.Scripts = map[string]bool{"told": true}
	s.opts = turn.Options{
		Rules: []rules.Rule{
			{
				Name: "restart", When: rules.When{State: pattern(t, "compacted")},
				Do: rules.Do{Command: &rules.Command{Level: "services", Action: "restart", Group: "{name}"}},
			},
			{Name: "told", When: rules.When{Type: pattern(t, "metrics")}, Do: rules.Do{Script: "/bin/true"}},
		},
		Automatic: map[string]bool{"c": true}, Words: words, Oldest: 24 * time.Hour, Keep: 24 * time.Hour, Dir: dir, Store: own, Log: log,
		Ledger:  ledger.New(ledger.Options{Shared: shared, Own: own, Manager: "mgr", Limits: actions.Usual()}),
		Manager: "mgr", Tell: s.tell,
		Acknowledge: func(_ context.Context, e heartbeat.Event) error {
			s.acked = append(s.acked, e.ID)
			return nil
		},
	}
	return s
}

func pattern(t *testing.T, text string) rules.Pattern {
	t.Helper()
	p, err := rules.ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *scene) store(name string) store.Store {
	s.t.Helper()
	f, err := store.Open(s.t.Context(), "file:"+s.dir+"/"+name, store.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	return &crashing{f, s.crashes}
}

// tell puts events into the log, unless it crashes before or after that.
func (s *scene) tell(ctx context.Context, events []heartbeat.Event) error {
	return s.crashes.around(func() error { return s.append(ctx, events...) })
}

func (s *scene) append(ctx context.Context, events ...heartbeat.Event) error {
	var entries []eventlog.Entry
	for _, e := range events {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		entry, err := eventlog.Parse(line)
		if err != nil {
			return err
		}
		entries = append(entries, entry)
	}
	return s.opts.Log.Append(ctx, time.Now(), entries)
}

// happen logs an event of that kind about node N.
func (s *scene) happen(kind heartbeat.Kind, id string, n int, labels map[string]string) {
	s.t.Helper()
	e := heartbeat.Event{
		ID: id, Key: heartbeat.Key{Cluster: "c", Kind: kind, Name: fmt.Sprint("node", n)},
		Is: heartbeat.Point{State: "compacted"}, At: time.Now(), Manager: "mgr", Labels: labels,
	}
	if kind == heartbeat.Metrics {
		e.Is.State = "1"
	}
	if err := s.append(s.t.Context(), e); err != nil {
		s.t.Fatal(err)
	}
}

// turn takes one turn that must succeed. The first begins a minute ago.
func (s *scene) turn() turn.Result {
	s.t.Helper()
	r, err := turn.New(s.opts).Turn(s.t.Context(), time.Now(), time.Now().Add(-time.Minute))
	if err != nil || r.Warning != nil {
		s.t.Fatal(err, r.Warning)
	}
	return r
}

// queued are the actions, by who asked for them.
func (s *scene) queued() map[string][]actions.Action {
	s.t.Helper()
	v, err := s.opts.Ledger.Look(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string][]actions.Action{}
	for _, a := range v.Queue.All() {
		out[a.AskedBy.Command] = append(out[a.AskedBy.Command], a)
	}
	return out
}

// finish does everything that waits, or gives it up.
func (s *scene) finish(well bool) {
	s.t.Helper()
	err := s.opts.Ledger.Change(s.t.Context(), "finish", func(v ledger.View) error {
		for _, a := range v.Queue.All() {
			if a.State() != actions.Waiting {
				continue
			}
			err := v.Queue.Change(a.ID, func(a actions.Action) (actions.Progress, error) {
				p, err := a.Progress.Take("x", time.Minute, v.Now)
				if err != nil {
					return p, err
				}
				if well {
					return p.Finish(p.Claim(), v.Now)
				}
				return p.Fail(p.Claim(), actions.Failure{Err: "no", Final: true, Times: 1})
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// told counts the events of rules in the log, by their state.
func (s *scene) told() map[string]int {
	s.t.Helper()
	out := map[string]int{}
	for entry, err := range s.opts.Log.List(s.t.Context(), eventlog.Filter{}) {
		var e heartbeat.Event
		if err == nil {
			err = json.Unmarshal(entry.Line, &e)
		}
		if err != nil {
			s.t.Fatal(err)
		}
		if e.Key.Kind == heartbeat.Rules {
			out[e.Is.State]++
		}
	}
	return out
}
