package ledger

import (
	"context"

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
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx = context.WithoutCancel(ctx)
	out, err := l.addOwn(ctx, r, l.known(ctx))
	if err != nil || len(out.Added) == 0 {
		return out, err
	}
	own, err := l.readOwn(ctx)
	if err != nil {
		return out, err
	}
	shared := out.View
	_, _, err = l.swap(ctx, "add", own, actions.Leases{}, func(v View) error {
		shared = v
		return nil
	})
	if err != nil {
		return out, err
	}
	out.View = shared
	out.Holders = make(map[actions.ID][]string, len(out.Added))
	for _, a := range out.Added {
		out.Holders[a.ID] = out.View.Queue.Holders(a.ID)
	}
	return out, nil
}

// known is what the shared copy holds. What cannot be reached cannot be joined,
// but queued beside: then it is empty.
func (l *Ledger) known(ctx context.Context) *actions.Queue {
	raw, err := get(ctx, l.o.Shared, sharedKey)
	if err != nil {
		return &actions.Queue{}
	}
	shared, err := l.decodeShared(raw)
	if err != nil {
		return &actions.Queue{}
	}
	return shared.queue
}

// addOwn queues in the own copy, beside what is known to be queued already.
func (l *Ledger) addOwn(ctx context.Context, r actions.Request, known *actions.Queue) (Receipt, error) {
	own, err := l.ownForWriting(ctx)
	if err != nil {
		return Receipt{}, err
	}
	r.Writer, r.Now, r.Limits = own.writer, l.now(), l.o.Limits
	var out Receipt
	err = l.changeOwn(ctx, "add", func(q *actions.Queue) *actions.Queue {
		next := actions.Merge(q, known)
		out.Added, out.Bad = next.Add(r)
		out.View = View{Queue: next, Clock: l.o.Clock(), Now: r.Now, Writer: r.Writer}
		if len(out.Added) == 0 {
			return q
		}
		return next
	})
	return out, err
}
