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

// storeTime bounds one operation on a store.
const storeTime = 5 * time.Second

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
	o      Options
	mu     sync.Mutex // one swap of this process at a time: they would only fight each other
	own    cache
	shared cache
}

// New makes a Ledger. Nothing is read yet.
func New(o Options) *Ledger {
	if o.Clock == nil {
		o.Clock = Boottime
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Ledger{o: o}
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
	return "cannot reach the shared queue, this manager alone holds what is new: " + u.Err.Error()
}

func (u *Unshared) Unwrap() error { return u.Err }

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
	v := View{Queue: own.queue, Clock: l.o.Clock(), Now: l.o.Now(), Writer: own.writer}
	raw, err := l.fetch(ctx)
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
	if raw == nil || !shared.queue.Equal(merged) || !own.same(merged) {
		err := l.Change(ctx, "look", func(c View) error { v = c; return nil })
		if err != nil {
			err = &Unshared{err}
		}
		return v, err
	}
	v.Queue = merged
	v.Leases, err = l.observe(ctx, shared.name, merged)
	return v, err
}

// fetch gets the shared document, nil where there is none.
func (l *Ledger) fetch(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	raw, err := l.o.Shared.Get(ctx, sharedKey)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return raw, err
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
// times and the last call counts; where it fails nothing is stored. why names
// the moves, with "+" between them.
//
// It is not cut short by ctx, whose end stops work but not the record of it.
func (l *Ledger) Change(ctx context.Context, why string, f func(View) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	own, err := l.ownForWriting(ctx)
	if err != nil {
		return err
	}
	before, err := l.readLeases(ctx)
	if err != nil {
		return err
	}
	fresh := newName()
	var v View
	var next shared
	err = l.o.Shared.Update(ctx, sharedKey, why, func(old []byte) ([]byte, error) {
		was, err := l.decodeShared(old)
		if err != nil {
			return nil, err
		}
		if old == nil {
			was.name = fresh
		}
		q := actions.Merge(was.queue, own.queue)
		q.Confirm(own.writer, own.queue)
		v = View{Queue: q, Clock: l.o.Clock(), Now: l.o.Now(), Writer: own.writer}
		v.Leases = before.Observe(was.name, q, v.Clock, l.longest())
		if err := f(v); err != nil {
			return nil, err
		}
		next = shared{name: was.name, queue: q.Prune(v.Now, l.o.Limits.Keep)}
		return l.encodeShared(next)
	})
	if err != nil {
		return err
	}
	if err := l.mergeOwn(ctx, why, next.queue); err != nil {
		return fmt.Errorf("%s is shared, but not in this manager's own copy: %w", why, err)
	}
	return l.keepLeases(ctx, before, v.Leases)
}

// Keep changes the own copy alone, for what is true whether or not it can be
// shared: how this manager's attempts ended. f may be called several times, and
// refuses what is no longer so by itself.
func (l *Ledger) Keep(ctx context.Context, why string, f func(*actions.Queue, time.Time)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	return l.changeOwn(ctx, why, func(q *actions.Queue) *actions.Queue {
		q = q.Clone()
		f(q, l.o.Now())
		return q
	})
}

// Receipt is what became of a request.
type Receipt struct {
	Added   []actions.Added
	Bad     []actions.Bad
	View    View
	Holders map[actions.ID][]string // by action: the writers of the managers that hold it on their disks
}

// Add queues a request: in the own copy first, so that its number is on disk
// before anybody sees it, then in the shared one. The request's writer and time
// are filled in. With an *Unshared all of it is queued here.
func (l *Ledger) Add(ctx context.Context, r actions.Request) (Receipt, error) {
	if _, err := l.Look(ctx); err != nil && !errors.As(err, new(*Unshared)) {
		return Receipt{}, err // what cannot be reached cannot be joined, but queued beside
	}
	out, err := l.addOwn(ctx, r)
	if err != nil {
		return out, err
	}
	if len(out.Added) == 0 {
		return out, nil
	}
	err = l.Change(ctx, "add", func(v View) error { out.View = v; return nil })
	if err != nil {
		return out, &Unshared{err}
	}
	out.Holders = make(map[actions.ID][]string, len(out.Added))
	for _, a := range out.Added {
		out.Holders[a.ID] = out.View.Queue.Holders(a.ID)
	}
	return out, nil
}

// addOwn queues in the own copy.
func (l *Ledger) addOwn(ctx context.Context, r actions.Request) (Receipt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	own, err := l.ownForWriting(ctx)
	if err != nil {
		return Receipt{}, err
	}
	r.Writer, r.Now, r.Limits = own.writer, l.o.Now(), l.o.Limits
	var out Receipt
	err = l.changeOwn(ctx, "add", func(q *actions.Queue) *actions.Queue {
		q = q.Clone()
		out.Added, out.Bad = q.Add(r)
		out.View = View{Queue: q, Clock: l.o.Clock(), Now: r.Now, Writer: r.Writer}
		return q
	})
	return out, err
}
