package ledger

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/clmgr/clmgr/pkg/actions"
)

// own is the manager's own copy.
type own struct {
	writer string
	queue  *actions.Queue
	raw    []byte // as stored; nil where there is none yet
}

// same tells whether q is what is stored.
func (o own) same(q *actions.Queue) bool { return o.raw != nil && o.queue.Equal(q) }

type wireOwnHead struct {
	Version int    `json:"version"`
	Writer  string `json:"writer"`
}

type wireOwn struct {
	wireOwnHead
	Queue json.RawMessage `json:"queue"`
}

const ownVersion = 1

func (l *Ledger) readOwn(ctx context.Context) (own, error) {
	raw, err := get(ctx, l.o.Own, ownKey)
	if err != nil {
		return own{}, ownError(err)
	}
	return l.decodeOwn(raw)
}

func ownError(err error) error {
	return fmt.Errorf("cannot read this manager's own copy of the queue: %w; nothing was overwritten: move it away to begin anew", err)
}

func (l *Ledger) decodeOwn(raw []byte) (own, error) {
	if raw == nil {
		return own{queue: &actions.Queue{}}, nil
	}
	if writer, q, known := l.ownPage.recall(raw); known {
		return own{writer: writer, queue: q, raw: raw}, nil
	}
	var w wireOwn
	err := json.Unmarshal(raw, &w)
	switch {
	case err == nil && w.Version > ownVersion:
		err = fmt.Errorf("%w (version %d, this one knows up to %d)", actions.ErrNewer, w.Version, ownVersion)
	case err == nil && (w.Version < 1 || w.Writer == ""):
		err = errors.New("it has no version or no writer")
	case err == nil && w.Queue == nil:
		err = errors.New("it has no queue")
	}
	var q *actions.Queue
	if err == nil {
		q, err = l.queues.decode(w.Queue)
	}
	if err != nil {
		return own{}, ownError(err)
	}
	l.ownPage.remember(raw, w.Writer, q)
	return own{writer: w.Writer, queue: q, raw: raw}, nil
}

// ownForWriting returns the own copy, which has a writer from then on.
func (l *Ledger) ownForWriting(ctx context.Context) (own, error) {
	o, err := l.readOwn(ctx)
	if err != nil || o.writer != "" {
		return o, err
	}
	if err := l.changeOwn(ctx, "begin", func(q *actions.Queue) *actions.Queue { return q }); err != nil {
		return own{}, err
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
		if was.writer == "" {
			was.writer = fresh
		}
		queue, err := l.queues.encode(q)
		if err != nil {
			return nil, err
		}
		raw, err := join(wireOwnHead{ownVersion, was.writer}, queue)
		if err == nil {
			l.ownPage.remember(raw, was.writer, q)
		}
		return raw, err
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
