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
	out, err := l.AddAll(ctx, []actions.Request{r})
	return out[0], err
}

// AddAll queues requests in their order, each as Add does, with one write for all
// of them. It returns one receipt a request.
func (l *Ledger) AddAll(ctx context.Context, list []actions.Request) ([]Receipt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx = context.WithoutCancel(ctx)
	out := make([]Receipt, len(list))
	added, err := l.addOwn(ctx, list, out, l.known(ctx))
	if err != nil || !added {
		return out, err
	}
	own, err := l.readOwn(ctx)
	if err != nil {
		return out, err
	}
	var shared View
	_, _, err = l.swap(ctx, "add", own, actions.Leases{}, func(v View) error {
		shared = v
		return nil
	})
	if err != nil {
		return out, err
	}
	for n := range out {
		out[n].View = shared
		out[n].Holders = make(map[actions.ID][]string, len(out[n].Added))
		for _, a := range out[n].Added {
			out[n].Holders[a.ID] = shared.Queue.Holders(a.ID)
		}
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

// addOwn queues in the own copy, beside what is known to be queued already, and
// tells whether anything was.
func (l *Ledger) addOwn(ctx context.Context, list []actions.Request, out []Receipt, known *actions.Queue) (bool, error) {
	own, err := l.ownForWriting(ctx)
	if err != nil {
		return false, err
	}
	added, now := false, l.now()
	err = l.changeOwn(ctx, "add", func(q *actions.Queue) *actions.Queue {
		added = false
		next := actions.Merge(q, known)
		for n, r := range list {
			r.Writer, r.Now, r.Limits = own.name, now, l.o.Limits
			out[n].Added, out[n].Bad = next.Add(r)
			out[n].View = View{Queue: next, Clock: l.o.Clock(), Now: now, Writer: own.name}
			added = added || len(out[n].Added) > 0
		}
		if !added {
			return q
		}
		return next
	})
	return added, err
}
