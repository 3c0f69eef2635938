package ledger

import (
	"context"
	"errors"

	"github.com/clmgr/clmgr/pkg/actions"
)

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
	shared := out.View
	if err := l.Change(ctx, "add", func(v View) error { shared = v; return nil }); err != nil {
		return out, err
	}
	out.View = shared
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
	ctx = context.WithoutCancel(ctx)
	own, err := l.ownForWriting(ctx)
	if err != nil {
		return Receipt{}, err
	}
	r.Writer, r.Now, r.Limits = own.writer, l.now(), l.o.Limits
	var out Receipt
	err = l.changeOwn(ctx, "add", func(q *actions.Queue) *actions.Queue {
		q = q.Clone()
		out.Added, out.Bad = q.Add(r)
		out.View = View{Queue: q, Clock: l.o.Clock(), Now: r.Now, Writer: r.Writer}
		return q
	})
	return out, err
}
