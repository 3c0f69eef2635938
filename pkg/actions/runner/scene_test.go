package runner_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/actions/runner"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/store"
)

// These tests run in bubbles of testing/synctest: the stores are real, the time
// is not.

const lease = 30 * time.Second

// site is what managers share.
type site struct {
	t       testing.TB
	open    func() store.Store
	forgets bool
	began   time.Time
}

func newSite(t testing.TB) *site {
	folder := t.TempDir()
	return &site{t: t, began: time.Now().Add(-time.Hour), open: func() store.Store { return openStore(t, "file:"+folder) }}
}

func openStore(t testing.TB, url string) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.Options{SigningKey: []byte(signingKey)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const signingKey = "a key of the tests only"

// manager is one manager with a state directory of its own.
type manager struct {
	*ledger.Ledger
	t        testing.TB
	name     string
	link     *link
	sleeps   *atomic.Int64 // how far its clock is ahead: its machine slept
	handlers map[string]runner.Handler
	options  runner.Options
	only     func(actions.Action) bool
}

func (s *site) manager(name string) *manager {
	s.t.Helper()
	return s.managerAt(name, filepath.Join(s.t.TempDir(), "state"))
}

func (s *site) managerAt(name, state string) *manager {
	s.t.Helper()
	m := &manager{t: s.t, name: name, link: &link{Store: s.open()}, sleeps: new(atomic.Int64), handlers: map[string]runner.Handler{}}
	clock := func() actions.Instant {
		return actions.Instant{Boot: name, Since: time.Since(s.began) + time.Duration(m.sleeps.Load())}
	}
	limits := actions.Usual()
	limits.Lease, limits.Keep = lease, 2*time.Hour
	m.Ledger = ledger.New(ledger.Options{
		Shared: m.link, Own: openStore(s.t, "file:"+state), Manager: name, Forgets: s.forgets, Limits: limits, Clock: clock,
	})
	m.options = runner.Options{
		Ledger: m.Ledger, Manager: name, Limits: limits, Words: actions.UsualWords(), Width: 8, Grace: 5 * time.Second, Clock: clock,
		Handler: func(a actions.Action) runner.Handler { return m.handlers[a.Do.Group] },
	}
	return m
}

// run is one Run.
func (m *manager) run(ctx context.Context) ([]runner.Told, error) {
	return runner.New(m.options).Run(ctx, runner.Input{Only: m.only})
}

// runs runs without an error and returns what happened in words.
func (m *manager) runs() string {
	m.t.Helper()
	told, err := m.run(m.t.Context())
	if err != nil {
		m.t.Error(err)
	}
	return words(told)
}

// goes runs beside the test; the channel gets what happened.
func (m *manager) goes(ctx context.Context) chan string {
	out := make(chan string, 1)
	go func() {
		told, err := m.run(ctx)
		if err != nil {
			out <- words(told) + " ERROR " + err.Error()
			return
		}
		out <- words(told)
	}()
	return out
}

// words writes what happened as "claim:a finish:a".
func words(told []runner.Told) string {
	var out []string
	for _, t := range told {
		out = append(out, string(t.Move)+":"+t.Action.Do.Group)
	}
	return strings.Join(out, " ")
}

func draft(group string) actions.Action {
	return actions.Action{Cluster: "prod", Do: command.Command{Level: "services", Action: "start", Group: group}}
}

// add queues one action a group.
func (m *manager) add(groups ...string) []actions.ID {
	m.t.Helper()
	return m.addRequest(actions.Request{}, groups...)
}

func (m *manager) addRequest(r actions.Request, groups ...string) []actions.ID {
	m.t.Helper()
	r.Words = actions.UsualWords()
	for _, g := range groups {
		r.Drafts = append(r.Drafts, draft(g))
	}
	got, err := m.Add(m.t.Context(), r)
	if err != nil && !errors.As(err, new(*ledger.Unshared)) || len(got.Added) != len(groups) {
		m.t.Fatal(err, got.Bad)
	}
	var ids []actions.ID
	for _, a := range got.Added {
		ids = append(ids, a.ID)
	}
	return ids
}

func (m *manager) look() ledger.View {
	m.t.Helper()
	v, err := m.Look(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	return v
}

// action returns an action as a look shows it.
func (m *manager) action(id actions.ID) actions.Action {
	m.t.Helper()
	a, ok := m.look().Queue.Get(id)
	if !ok {
		m.t.Fatalf("%s does not know %s", m.name, id)
	}
	return a
}

func (m *manager) want(id actions.ID, state actions.State, fails uint64) {
	m.t.Helper()
	a := m.action(id)
	if a.State() != state || a.Progress.Failure.Times != fails {
		m.t.Errorf("for %s it is %s after %d failures, want %s after %d: %+v",
			m.name, a.State(), a.Progress.Failure.Times, state, fails, a.Progress)
	}
}

func (m *manager) change(why string, id actions.ID, f func(actions.Action, time.Time) (actions.Progress, error)) {
	m.t.Helper()
	err := m.Change(m.t.Context(), why, func(v ledger.View) error {
		return v.Queue.Change(id, func(a actions.Action) (actions.Progress, error) { return f(a, v.Now) })
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *manager) retry(id actions.ID) {
	m.t.Helper()
	m.change("retry", id, func(a actions.Action, now time.Time) (actions.Progress, error) { return a.Progress.Retry(now) })
}

func (m *manager) cancel(id actions.ID) {
	m.t.Helper()
	m.change("cancel", id, func(a actions.Action, now time.Time) (actions.Progress, error) { return a.Progress.Cancel(now) })
}

// gauge counts how often something ran, and how many at once.
type gauge struct {
	mu             sync.Mutex
	now, most, all int
}

func (g *gauge) enter() func() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now++
	g.all++
	g.most = max(g.most, g.now)
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.now--
	}
}

func (g *gauge) count() (all, most int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.all, g.most
}

// does returns a handler that takes some time, and stops if it is asked to.
func (g *gauge) does(takes time.Duration, err error) runner.Handler {
	return func(ctx context.Context, _ actions.Action) error {
		defer g.enter()()
		if !passes(ctx, takes) {
			return ctx.Err()
		}
		return err
	}
}

// passes lets time go by; false if ctx was done first.
func passes(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
