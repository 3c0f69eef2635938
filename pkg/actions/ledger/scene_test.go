package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/store"
)

// tap is a real store that counts what is written, and that can be cut off.
type tap struct {
	store.Store
	mu     sync.Mutex
	writes int
	down   error
	loses  bool   // answers to updates get lost
	before func() // is called ahead of every update
}

func (s *tap) set(f func(*tap)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *tap) written() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

func (s *tap) Get(ctx context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	if down != nil {
		return nil, down
	}
	return s.Store.Get(ctx, key)
}

func (s *tap) Update(ctx context.Context, key, why string, f func([]byte) ([]byte, error)) error {
	s.mu.Lock()
	before := s.before
	s.mu.Unlock()
	if before != nil {
		before()
	}
	s.mu.Lock()
	down, loses := s.down, s.loses
	s.mu.Unlock()
	if down != nil {
		return down
	}
	wrote := false
	err := s.Store.Update(ctx, key, why, func(old []byte) ([]byte, error) {
		next, err := f(bytes.Clone(old))
		wrote = err == nil && !bytes.Equal(old, next)
		return next, err
	})
	if err == nil && wrote {
		s.set(func(s *tap) { s.writes++ })
	}
	if err == nil && loses {
		return fmt.Errorf("%w: the answer got lost", store.ErrUnknown)
	}
	return err
}

var errDown = errors.New("connection refused")

// manager is one manager with its two stores.
type manager struct {
	*ledger.Ledger
	own, shared *tap
	state       string // its state directory
}

func file(t testing.TB, folder string) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "file:"+folder, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newManager makes a manager with a state directory of its own.
func newManager(t testing.TB, shared, name string, change ...func(*ledger.Options)) *manager {
	t.Helper()
	return managerAt(t, shared, filepath.Join(t.TempDir(), "state"), name, change...)
}

func managerAt(t testing.TB, shared, state, name string, change ...func(*ledger.Options)) *manager {
	t.Helper()
	m := &manager{own: &tap{Store: file(t, state)}, shared: &tap{Store: file(t, shared)}, state: state}
	o := ledger.Options{Shared: m.shared, Own: m.own, Manager: name, Forgets: true, Limits: actions.Usual()}
	for _, f := range change {
		f(&o)
	}
	m.Ledger = ledger.New(o)
	return m
}

func draft(group string) actions.Action {
	return actions.Action{Cluster: "prod", Do: command.Command{Level: "services", Action: "start", Group: group}}
}

func request(groups ...string) actions.Request {
	r := actions.Request{Words: actions.UsualWords(), AskedBy: actions.Asker{Who: "root"}}
	for _, g := range groups {
		r.Drafts = append(r.Drafts, draft(g))
	}
	return r
}

// add queues and returns the ids.
func (m *manager) add(t testing.TB, groups ...string) []actions.ID {
	t.Helper()
	got, err := m.Add(t.Context(), request(groups...))
	if err != nil || len(got.Bad) > 0 {
		t.Fatal(err, got.Bad)
	}
	return ids(got)
}

func ids(r ledger.Receipt) []actions.ID {
	var out []actions.ID
	for _, a := range r.Added {
		out = append(out, a.ID)
	}
	return out
}

func (m *manager) look(t testing.TB) ledger.View {
	t.Helper()
	v, err := m.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// groups are what a queue's actions are done to, sorted.
func groups(q *actions.Queue) string {
	var out []string
	for _, a := range q.All() {
		out = append(out, a.Do.Group)
	}
	slices.Sort(out)
	return fmt.Sprint(out)
}

func wantGroups(t testing.TB, what string, q *actions.Queue, want ...string) {
	t.Helper()
	if groups(q) != fmt.Sprint(want) {
		t.Errorf("%s holds %s, want %v", what, groups(q), want)
	}
}

// wantOwn checks the own copy on the disk.
func (m *manager) wantOwn(t testing.TB, want ...string) {
	t.Helper()
	q, err := m.Own(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantGroups(t, "the own copy", q, want...)
}

// wantUnshared checks that err is an *Unshared.
func wantUnshared(t testing.TB, err error) *ledger.Unshared {
	t.Helper()
	var u *ledger.Unshared
	if !errors.As(err, &u) {
		t.Fatalf("error %v, want an *Unshared", err)
	}
	return u
}

// take claims one action.
func (m *manager) take(t testing.TB, id actions.ID) actions.Claim {
	t.Helper()
	var claim actions.Claim
	err := m.Change(t.Context(), "claim", func(v ledger.View) error {
		return v.Queue.Change(id, func(a actions.Action) (actions.Progress, error) {
			p, err := a.Progress.Take("somebody", 30*time.Second, v.Now)
			claim = p.Claim()
			return p, err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return claim
}
