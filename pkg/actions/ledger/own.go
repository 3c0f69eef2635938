package ledger

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/clmgr/clmgr/pkg/actions"
)

func (l *Ledger) readOwn(ctx context.Context) (document, error) {
	raw, err := get(ctx, l.o.Own, ownKey)
	if err != nil {
		return document{}, ownError(err)
	}
	return l.decodeOwn(raw)
}

func ownError(err error) error {
	return fmt.Errorf("cannot read this manager's own copy of the queue: %w; nothing was overwritten: move it away to begin anew", err)
}

func (l *Ledger) decodeOwn(raw []byte) (document, error) {
	d, err := l.ownPage.decode(raw)
	if err != nil {
		return document{}, ownError(err)
	}
	return d, nil
}

// ownForWriting returns the own copy, which has a writer from then on.
func (l *Ledger) ownForWriting(ctx context.Context) (document, error) {
	o, err := l.readOwn(ctx)
	if err != nil || o.name != "" {
		return o, err
	}
	if err := l.changeOwn(ctx, "begin", func(q *actions.Queue) *actions.Queue { return q }); err != nil {
		return document{}, err
	}
	return l.readOwn(ctx)
}

// mergeOwn puts what is shared into the own copy.
func (l *Ledger) mergeOwn(ctx context.Context, why string, q *actions.Queue) error {
	return l.changeOwn(ctx, why, func(old *actions.Queue) *actions.Queue { return actions.Merge(old, q) })
}

// changeOwn replaces the queue of the own copy by what f makes of it.
func (l *Ledger) changeOwn(ctx context.Context, why string, f func(*actions.Queue) *actions.Queue) error {
	fresh := l.newWriter()
	err := update(ctx, l.o.Own, ownTime, ownKey, why, func(old []byte) ([]byte, error) {
		was, err := l.decodeOwn(old)
		if err != nil {
			return nil, err
		}
		q := f(was.queue)
		if was.same(q) {
			return old, nil
		}
		if was.name == "" {
			was.name = fresh
		}
		return l.ownPage.encode(was.name, q)
	})
	if err != nil {
		return fmt.Errorf("cannot write this manager's own copy of the queue: %w", err)
	}
	return nil
}

// newWriter names the writer of a state directory that has none yet.
func (l *Ledger) newWriter() string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, l.o.Manager)
	if name = strings.TrimLeft(name, "-"); name == "" {
		name = "manager"
	}
	return name[:min(len(name), 60)] + "-" + strings.ToLower(rand.Text()[:6])
}

func newName() string { return strings.ToLower(rand.Text()) }

func (l *Ledger) readLeases(ctx context.Context) (actions.Leases, error) {
	raw, err := get(ctx, l.o.Own, leasesKey)
	if err != nil {
		return actions.Leases{}, err
	}
	return actions.DecodeLeases(raw)
}

// keepLeases stores what is known of leases. Processes of one manager may each
// have watched: the one that stores last counts, and at worst a lease is watched
// for longer.
func (l *Ledger) keepLeases(ctx context.Context, before, after actions.Leases) error {
	if before.Equal(after) {
		return nil
	}
	return update(context.WithoutCancel(ctx), l.o.Own, ownTime, leasesKey, "leases", func([]byte) ([]byte, error) { return after.Encode() })
}
