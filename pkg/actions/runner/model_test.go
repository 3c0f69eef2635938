package runner_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/actions/runner"
)

// world is some managers that share a store which forgets, in a bubble.
type world struct {
	t      *testing.T
	seed   uint64
	began  time.Time
	shared *memory
	nodes  []*node
	all    sync.WaitGroup // of everything that goes on

	rng *rand.Rand // of the test itself; processes and attempts have their own

	mu       sync.Mutex
	calm     bool // nothing happens by chance any more
	failed   bool
	active   map[actions.ID]*life
	busy     map[string]actions.ID // groups that somebody is at work on
	known    map[actions.ID]actions.Action
	verified map[actions.ID]bool
	dropped  map[actions.ID]bool      // was seen cancelled
	done     map[actions.ID]time.Time // in the shared document, since when
	sum      tally
	moved    time.Time // when something was last done
}

// tally counts what happened.
type tally struct{ Asked, Starts, Again, Flushes, Kills int }

// node is one manager's machine: its disk outlives its processes.
type node struct {
	w    *world
	name string
	disk *memory

	mu     sync.Mutex
	cut    bool
	skew   time.Duration
	boot   string
	booted time.Time
	lives  []*life
}

// life is one process of a manager.
type life struct {
	w      *world
	node   *node
	dead   chan struct{}
	once   sync.Once
	ledger *ledger.Ledger
	runner *runner.Runner

	mu  sync.Mutex
	rng *rand.Rand
}

func (l *life) intn(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rng.IntN(n)
}

// chance is true in so many of a hundred cases, and never when all is calm.
func (l *life) chance(percent int) bool { return !l.w.isCalm() && l.intn(100) < percent }

func modelLimits() actions.Limits {
	return actions.Limits{
		First: 5 * time.Second, Longest: 20 * time.Second, Tries: 4, Lease: lease, Expires: 24 * time.Hour, Keep: time.Hour,
	}
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		t: t, seed: seed, began: time.Now(), shared: newMemory(), rng: rand.New(rand.NewPCG(seed, 7)),
		active: map[actions.ID]*life{}, busy: map[string]actions.ID{}, known: map[actions.ID]actions.Action{},
		verified: map[actions.ID]bool{}, dropped: map[actions.ID]bool{}, done: map[actions.ID]time.Time{},
	}
	w.shared.changed = w.stored
	for n := range 3 {
		d := &node{w: w, name: fmt.Sprintf("m%d", n+1), disk: newMemory()}
		w.nodes = append(w.nodes, d)
		d.reboot()
	}
	return w
}

func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failLocked(format, args...)
}

func (w *world) failLocked(format string, args ...any) {
	if !w.failed {
		w.failed = true
		w.t.Errorf("history -histories 1 -seed %d, after %s: %s", w.seed, time.Since(w.began), fmt.Sprintf(format, args...))
	}
}

func (w *world) isCalm() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calm
}

// stored looks at each document that is stored: what was done stays done.
func (w *world) stored(_ string, _, next []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if next == nil {
		clear(w.done)
		return
	}
	all, err := endedIn(next)
	if err != nil {
		w.failLocked("a document that cannot be read: %v", err)
	}
	for id, is := range all {
		_, was := w.done[id]
		if was && !is.Done {
			w.failLocked("%s was done and is not any more", id)
		}
		w.dropped[id] = w.dropped[id] || is.Cancelled
		if !is.Done {
			continue
		}
		if _, known := w.done[id]; !known {
			w.done[id] = time.Now()
		}
		if !w.verified[id] {
			w.failLocked("%s is done, and nobody did it", id)
		}
	}
}

// enter is where the promises are checked.
func (w *world) enter(l *life, a actions.Action) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if other := w.active[a.ID]; other != nil {
		w.failLocked("%s starts %s while %s is at work on it", l.node.name, a.ID, other.node.name)
	}
	if id, busy := w.busy[a.Do.Group]; busy {
		w.failLocked("%s starts %s while somebody is at work on %s, both %s", l.node.name, a.ID, id, a.Do.Group)
	}
	if at, done := w.done[a.ID]; done && at.Before(time.Now().Add(-10*time.Second)) {
		w.failLocked("%s starts %s, which is done since %s", l.node.name, a.ID, time.Since(at))
	}
	for id, b := range w.known {
		if a.Plan != "" && b.Plan == a.Plan && id.Compare(a.ID) < 0 && !w.verified[id] {
			w.failLocked("%s starts %s before %s of its plan is done", l.node.name, a.ID, id)
		}
	}
	w.sum.Starts++
	if a.Progress.Claim().Try > 1 {
		w.sum.Again++
	}
	w.active[a.ID], w.busy[a.Do.Group] = l, a.ID
}

func (w *world) leave(l *life, a actions.Action) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.active[a.ID] == l {
		delete(w.active, a.ID)
		delete(w.busy, a.Do.Group)
	}
}

func (w *world) verify(id actions.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.verified[id], w.moved = true, time.Now()
}

func (l *life) isDead() bool {
	select {
	case <-l.dead:
		return true
	default:
		return false
	}
}

// kill ends the process and all that it does, at once.
func (l *life) kill() {
	l.once.Do(func() {
		l.w.mu.Lock()
		defer l.w.mu.Unlock()
		l.w.sum.Kills++
		close(l.dead)
		for id, other := range l.w.active {
			if other == l {
				delete(l.w.active, id)
			}
		}
		for group, id := range l.w.busy {
			if l.w.active[id] == nil {
				delete(l.w.busy, group)
			}
		}
	})
}

// handle is the one handler: it takes a while, and ends in some way.
func (l *life) handle(ctx context.Context, a actions.Action) error {
	w := l.w
	if l.isDead() {
		return errDead
	}
	w.enter(l, a)
	defer w.leave(l, a)
	rng := rand.New(rand.NewPCG(w.seed<<16+a.ID.Seq, a.Progress.Claim().Try<<8+uint64(a.Do.Group[1])))
	takes, end := time.Duration(rng.IntN(40000))*time.Millisecond, rng.IntN(20)
	if w.isCalm() {
		takes, end = time.Second, 0
	}
	timer := time.NewTimer(takes)
	defer timer.Stop()
	select {
	case <-l.dead:
		return errDead
	case <-ctx.Done():
		if end > 3 {
			return ctx.Err()
		}
	case <-timer.C:
	}
	switch {
	case end < 12:
		w.verify(a.ID)
		return nil
	case end < 16:
		return errors.New("no")
	case end < 18:
		return &actions.Retry{After: 7 * time.Second, Reason: "busy"}
	}
	panic("broken")
}
