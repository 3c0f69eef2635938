package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/store"
)

// Keys of the documents.
const (
	sharedKey = "actions"
	ownKey    = "actions"
	leasesKey = "leases"
)

// Options are what a Ledger is made of.
type Options struct {
	Shared  store.Store
	Own     store.Store // on this machine's disk, this manager's alone
	Manager string      // part of the writer's name
	// Forgets says that the shared store may lose documents.
	Forgets bool
	Limits  actions.Limits
	Clock   func() actions.Instant // nil for Boottime
	Now     func() time.Time       // nil for time.Now
}

// Ledger is the queue as one manager keeps it. It may be used by several
// goroutines and processes at once.
type Ledger struct {
	o          Options
	mu         sync.Mutex // one swap of this process at a time: they would only fight each other
	ownPage    *page
	sharedPage *page
}

// New makes a Ledger. Nothing is read yet.
func New(o Options) *Ledger {
	if o.Clock == nil {
		o.Clock = Boottime
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	queues := &cache{}
	return &Ledger{o: o, ownPage: &page{queues: queues}, sharedPage: &page{queues: queues}}
}

// View is the queue as it stands in both copies, and what is known of leases.
type View struct {
	Queue  *actions.Queue
	Leases actions.Leases
	Clock  actions.Instant // when it was read
	Now    time.Time
	Writer string // this manager's; empty where it has not written yet
}

// Unshared is an error of the shared store after which the own copy is as good
// as it can be: what was to be added or ended is in it, and the next look that
// reaches the store brings it there.
type Unshared struct{ Err error }

func (u *Unshared) Error() string {
	if u.Unknown() {
		return "cannot tell whether the shared queue has got what is new: " + u.Err.Error()
	}
	return "cannot use the shared queue, this manager alone holds what is new: " + u.Err.Error()
}

func (u *Unshared) Unwrap() error { return u.Err }

// Unknown tells whether the swap may be stored all the same, because its answer
// got lost.
func (u *Unshared) Unknown() bool { return errors.Is(u.Err, store.ErrUnknown) }

// Own returns the manager's own copy, without asking the store.
func (l *Ledger) Own(ctx context.Context) (*actions.Queue, error) {
	own, err := l.readOwn(ctx)
	if err != nil {
		return nil, err
	}
	return own.queue, nil
}

// Look merges the two copies both ways. Where they are equal, as they mostly
// are, it writes nothing. With an *Unshared the view is the own copy.
func (l *Ledger) Look(ctx context.Context) (View, error) {
	own, err := l.readOwn(ctx)
	if err != nil {
		return View{}, err
	}
	v := View{Queue: own.queue, Clock: l.o.Clock(), Now: l.now(), Writer: own.name}
	raw, err := get(ctx, l.o.Shared, sharedKey)
	if err != nil {
		return v, &Unshared{err}
	}
	if raw == nil && own.raw == nil {
		return v, nil // nobody has queued anything yet
	}
	shared, err := l.decodeShared(raw)
	if err != nil {
		return v, &Unshared{err}
	}
	merged := actions.Merge(shared.queue, own.queue)
	if raw == nil || !shared.queue.Equal(merged) {
		var changed View
		if err := l.Change(ctx, "look", func(c View) error { changed = c; return nil }); err != nil {
			return v, err
		}
		return changed, nil
	}
	if !own.same(merged) {
		if err := l.learn(ctx, merged); err != nil {
			return v, err
		}
	}
	v.Queue = merged
	v.Leases, err = l.observe(ctx, shared.name, merged)
	return v, err
}

// learn puts what others have queued into the own copy.
func (l *Ledger) learn(ctx context.Context, q *actions.Queue) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mergeOwn(context.WithoutCancel(ctx), "look", q)
}

// observe watches the leases in q and keeps what it saw.
func (l *Ledger) observe(ctx context.Context, document string, q *actions.Queue) (actions.Leases, error) {
	before, err := l.readLeases(ctx)
	if err != nil {
		return actions.Leases{}, err
	}
	after := before.Observe(document, q, l.o.Clock(), l.longest())
	return after, l.keepLeases(ctx, before, after)
}

// longest is for how long nobody claims after the document was lost.
func (l *Ledger) longest() time.Duration {
	if l.o.Forgets {
		return l.o.Limits.Lease
	}
	return 0
}

// Change makes one swap: the shared copy merged with the own one, changed by f,
// pruned and stored, then the own copy merged with that. f may be called several
// times and the last call counts; where it fails nothing is stored, and its error
// is returned as it is. An *Unshared says that the shared copy could not be
// changed, any other error that the own one could not. why names the moves, with
// "+" between them.
//
// It is not cut short by ctx, whose end stops work but not the record of it.
func (l *Ledger) Change(ctx context.Context, why string, f func(View) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx = context.WithoutCancel(ctx)
	own, err := l.ownForWriting(ctx)
	if err != nil {
		return err
	}
	before, err := l.readLeases(ctx)
	if err != nil {
		return err
	}
	next, leases, err := l.swap(ctx, why, own, before, f)
	if err != nil {
		return err
	}
	if err := l.mergeOwn(ctx, why, next); err != nil {
		return fmt.Errorf("%s is shared, but not in this manager's own copy: %w", why, err)
	}
	return l.keepLeases(ctx, before, leases)
}

// swap changes the shared copy and returns what it is then, and what is known of
// leases.
func (l *Ledger) swap(ctx context.Context, why string, own document, before actions.Leases, f func(View) error) (*actions.Queue, actions.Leases, error) {
	var v View
	var next document
	var refused error
	err := update(ctx, l.o.Shared, storeTime, sharedKey, why, func(old []byte) ([]byte, error) {
		refused = nil
		was, err := l.decodeShared(old)
		if err != nil {
			return nil, err
		}
		if old == nil {
			was.name = newName() // each time anew: between two calls it may have been there, and got lost
		}
		q := actions.Merge(was.queue, own.queue)
		q.Confirm(own.name, own.queue)
		v = View{Queue: q, Clock: l.o.Clock(), Now: l.now(), Writer: own.name}
		v.Leases = before.Observe(was.name, q, v.Clock, l.longest())
		if refused = f(v); refused != nil {
			return nil, refused
		}
		next = document{name: was.name, queue: q.Prune(v.Now, l.o.Limits.Keep)}
		return l.sharedPage.encode(next.name, next.queue)
	})
	switch {
	case refused != nil:
		return nil, v.Leases, refused
	case err != nil:
		return nil, v.Leases, &Unshared{err}
	}
	return next.queue, v.Leases, nil
}

// Keep changes the own copy alone, for what is true whether or not it can be
// shared: how this manager's attempts ended. f may be called several times, and
// refuses what is no longer so by itself.
func (l *Ledger) Keep(ctx context.Context, why string, f func(*actions.Queue, time.Time)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changeOwn(context.WithoutCancel(ctx), why, func(q *actions.Queue) *actions.Queue {
		q = q.Clone()
		f(q, l.now())
		return q
	})
}

// now is the time in the one form that makes equal times equal values.
func (l *Ledger) now() time.Time { return l.o.Now().UTC().Round(0) }
