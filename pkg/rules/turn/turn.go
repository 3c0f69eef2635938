package turn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/eventlog"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/rules"
	"github.com/clmgr/clmgr/pkg/store"
)

// Options are what a Turner works with.
type Options struct {
	Rules     []rules.Rule
	Automatic map[string]bool // clusters in which clmgr may act by itself
	Words     actions.Words   // of the queue
	// Oldest is how long ago an event may be and still start something.
	Oldest time.Duration
	// Keep is how long the queue remembers what is over.
	Keep    time.Duration
	Dir     string      // for the lock
	Store   store.Store // the manager's own
	Log     *eventlog.Log
	Ledger  *ledger.Ledger
	Manager string
	// Require is what an action of a rule requires, besides what a script's does; nil for
	// nothing.
	Require func(rule string, do command.Command) map[string]string
	// Tell puts events into the log, and returns when they are durable.
	Tell func(context.Context, []heartbeat.Event) error
	// Queued is called with what was queued, as soon as it is; nil for nobody.
	Queued func([]actions.ID)
	// Beat is called for every batch of events; nil for nobody.
	Beat func()
	// Acknowledge is told that what was done for an event that wants to know has ended
	// well. Nil for nobody.
	Acknowledge func(context.Context, heartbeat.Event) error
}

// Turner has rules take their turn. It may be used by several goroutines and by
// several processes at once.
type Turner struct{ o Options }

// New makes a Turner. Nothing is read yet.
func New(o Options) *Turner { return &Turner{o} }

// Result is what a turn came to.
type Result struct {
	Told   []heartbeat.Event // what was told; it is in the log already
	Queued []actions.ID      // what was queued, or joined what was
	// Warning is what was passed over, nil for nothing.
	Warning error
}

const (
	// stateKey is where the state is in the store.
	stateKey = "rules"
	// retryLock is how often a lock that another turn holds is tried again.
	retryLock = 10 * time.Millisecond
	// batch is how many events are decided on with one swap.
	batch = 1000
)

// Turn takes one turn at now. The first one ever begins with the events of the time
// since and later. What was decided before an error is passed on by the next turn.
func (t *Turner) Turn(ctx context.Context, now, since time.Time) (Result, error) {
	var out Result
	if len(t.o.Rules) == 0 {
		return out, nil
	}
	if err := t.turn(ctx, now, since, &out); err != nil {
		return out, fmt.Errorf("cannot go by the rules: %w", err)
	}
	return out, nil
}

func (t *Turner) turn(ctx context.Context, now, since time.Time, out *Result) error {
	lock, err := t.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Close()
	s, err := t.recall(ctx, since)
	if err != nil {
		return err
	}
	if s, err = t.deliver(ctx, s, now, out); err != nil {
		return err
	}
	for last := false; !last; {
		read := t.read(ctx, s.place)
		out.Warning = errors.Join(out.Warning, read.warning)
		if read.err != nil {
			return read.err
		}
		last = len(read.events) < batch
		if t.o.Beat != nil {
			t.o.Beat()
		}
		next := held{s.Decide(t.input(now), read.events, last), read.last}
		if s, err = t.keep(ctx, s, next); err != nil {
			return err
		}
		if s, err = t.deliver(ctx, s, now, out); err != nil {
			return err
		}
	}
	return t.settle(ctx, s)
}

func (t *Turner) input(now time.Time) rules.Input {
	return rules.Input{Rules: t.o.Rules, Automatic: t.o.Automatic, Groups: t.o.Words.Groups, Now: now, Oldest: t.o.Oldest}
}

// lock waits until this turn is the only one of the manager, or ctx is done.
func (t *Turner) lock(ctx context.Context) (*flock.Flock, error) {
	if err := os.MkdirAll(t.o.Dir, 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(t.o.Dir, "rules.lock"))
	if _, err := lock.TryLockContext(ctx, retryLock); err != nil {
		return nil, fmt.Errorf("waiting for the lock %s: %w", lock.Path(), err)
	}
	return lock, nil
}

// Explain says what each rule would do about an event that came now, by what the
// rules remember. Nothing changes.
func (t *Turner) Explain(ctx context.Context, e heartbeat.Event, now time.Time) ([]rules.Explained, error) {
	s, err := t.State(ctx)
	if err != nil {
		return nil, err
	}
	return s.Explain(t.input(now), e), nil
}

// State is what the rules remember; the empty one before the first turn.
func (t *Turner) State(ctx context.Context) (rules.State, error) {
	s, _, err := t.load(ctx)
	return s.State, err
}
