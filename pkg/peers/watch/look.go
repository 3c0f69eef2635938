package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/clmgr/clmgr/pkg/peers"
	"github.com/clmgr/clmgr/pkg/store"
)

// membersKey is the list of managers, in the shared store.
const membersKey = "peers/members"

// readers is how many reports are read at once: a store may be far away.
const readers = 8

// reportKey is where a manager publishes.
func reportKey(manager string) string { return "peers/report/" + manager }

// look publishes where it is time to, and reads what may be new. It has an end
// whatever the store does; false where the loop's own end cut it short.
func (r *running) look(whole context.Context) (peers.Look, bool) {
	ctx, cancel := context.WithTimeout(whole, r.o.Patience)
	defer cancel()
	begun := r.clock()
	if r.publishedAt < 0 || begun-r.publishedAt >= r.o.Settings.Interval-r.tick/2 {
		r.publishedAt = begun
		r.unpublished = words(r.publish(ctx))
		var err error
		r.members, err = exchange(ctx, r.o.Shared, r.watcher.Members())
		r.unlisted = words(err)
	}
	look := peers.Look{Members: r.members, Unpublished: r.unpublished}
	var err error
	look.Reports, err = readReports(ctx, r.o.Shared, r.watcher.Ask(begun))
	look.Unread = cmp.Or(r.unlisted, words(err))
	look.At, look.Wall = r.clock(), time.Now()
	return look, whole.Err() == nil
}

// words is what an error says, nothing where there is none.
func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// clock is the time since the loop began, which nobody sets.
func (r *running) clock() time.Duration { return time.Since(r.begun) }

// publish writes the report of this manager.
func (r *running) publish(ctx context.Context) error {
	r.seq++
	s := r.o.Settings
	doc, err := peers.Report{
		Peer: r.o.Manager, Life: r.life, Seq: r.seq, Interval: s.Interval, TTL: s.TTL, IP: r.o.IP,
		Metrics: r.metrics(),
	}.Encode()
	if err != nil {
		return fmt.Errorf("cannot publish: %w", err)
	}
	return r.o.Shared.Update(ctx, reportKey(r.o.Manager), "peers", func([]byte) ([]byte, error) { return doc, nil })
}

// exchange merges the members that are known with the shared list, and writes where the
// list lacks any.
func exchange(ctx context.Context, shared store.Store, known peers.Members) (peers.Members, error) {
	b, err := get(ctx, shared, membersKey)
	if err != nil {
		return nil, err
	}
	list, err := peers.DecodeMembers(b)
	if err != nil {
		return nil, err
	}
	if sameMembers(list, list.Merge(known)) {
		return list, nil
	}
	return change(ctx, shared, func(list peers.Members) peers.Members { return list.Merge(known) })
}

// change changes the shared list of members.
func change(ctx context.Context, shared store.Store, f func(peers.Members) peers.Members) (peers.Members, error) {
	var next peers.Members
	err := shared.Update(ctx, membersKey, "members", func(old []byte) ([]byte, error) {
		list, err := peers.DecodeMembers(old)
		if err != nil {
			return nil, err
		}
		if next = f(list); sameMembers(list, next) {
			return old, nil
		}
		return next.Encode()
	})
	return next, err
}

func sameMembers(a, b peers.Members) bool { return maps.Equal(a, b) }

// readReports reads the reports of those named. A report that is missing or broken says
// something about its peer; any other error, about the way to the store.
func readReports(ctx context.Context, shared store.Store, names []string) (map[string]peers.Seen, error) {
	var mu sync.Mutex
	out := map[string]peers.Seen{}
	g := errgroup.Group{}
	g.SetLimit(readers)
	for _, name := range names {
		g.Go(func() error {
			seen, err := readReport(ctx, shared, name)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			out[name] = seen
			return nil
		})
	}
	return out, g.Wait()
}

func readReport(ctx context.Context, shared store.Store, name string) (peers.Seen, error) {
	b, err := shared.Get(ctx, reportKey(name))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return peers.Seen{Problem: "it has no report in the store"}, nil
	case errors.Is(err, store.ErrCorrupt):
		return peers.Seen{Problem: err.Error()}, nil
	case err != nil:
		return peers.Seen{}, err
	}
	report, err := peers.DecodeReport(name, b)
	if err != nil {
		return peers.Seen{Problem: err.Error()}, nil //nolint:nilerr // it is said of the peer
	}
	return peers.Seen{Report: report}, nil
}

// get returns a document, nil where there is none.
func get(ctx context.Context, from store.Store, key string) ([]byte, error) {
	b, err := from.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return b, err
}
