package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// shortestKey is the least number of bytes of a signing key.
const shortestKey = 16

// longestPause is the most that a writer waits before it starts again.
const longestPause = 500 * time.Millisecond

// memcachedStore keeps each document in an item of one memcached.
type memcachedStore struct {
	prefix string
	wires  *wires
	items  *sealer
	aside  aside
	turns  turns
}

func openMemcached(rest string, opts Options) (*memcachedStore, error) {
	address, prefix, err := memcachedAddress(rest)
	if err != nil {
		return nil, err
	}
	switch {
	case len(opts.SigningKey) == 0:
		return nil, errors.New("memcached: store_key is missing: documents there are signed, since whoever reaches a memcached can write to it")
	case len(opts.SigningKey) < shortestKey:
		return nil, fmt.Errorf("memcached: store_key has %d bytes; it needs at least %d", len(opts.SigningKey), shortestKey)
	}
	items, err := newSealer(opts.SigningKey, opts.MaxSize)
	if err != nil {
		return nil, err
	}
	return &memcachedStore{
		prefix: prefix,
		wires:  &wires{address: address, timeout: opts.Timeout},
		items:  items,
		aside:  newAside(opts.Aside, opts.Timeout),
		turns:  turns{keys: map[string]*turn{}},
	}, nil
}

// sight is what one read found.
type sight struct {
	epoch []byte // nil without a pointer
	casID uint64 // 0 without a document, as are the rest
	trail []nonce
	doc   []byte
}

// newest is the nonce of the write that was seen.
func (s *sight) newest() nonce {
	if s.casID == 0 {
		return nonce{}
	}
	return s.trail[0]
}

// Get reads the pointer and the document.
func (s *memcachedStore) Get(ctx context.Context, key string) ([]byte, error) {
	seen, err := s.look(ctx, key)
	if err == nil && seen.casID == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", key, err)
	}
	return seen.doc, nil
}

// look reads the document under key. The pointer is read anew each time: what
// has been read before a restart of the memcached says nothing after it.
func (s *memcachedStore) look(ctx context.Context, key string) (*sight, error) {
	if key == "" {
		return nil, errors.New("the key is empty")
	}
	pointer := pointerKey(s.prefix, key)
	item, err := s.get(ctx, pointer)
	if err != nil || item == nil {
		return &sight{}, err
	}
	epoch, err := s.items.unsealEpoch(item, key)
	if err != nil {
		return nil, s.unread(ctx, item, err)
	}
	item, err = s.get(ctx, documentKey(pointer, epoch))
	if err != nil || item == nil {
		return &sight{epoch: epoch}, err
	}
	doc, trail, err := s.items.unsealDocument(item, key)
	if err != nil {
		return nil, s.unread(ctx, item, err)
	}
	return &sight{epoch: epoch, casID: item.CasID, trail: trail, doc: doc}, nil
}

// get returns an item, nil where there is none.
func (s *memcachedStore) get(ctx context.Context, itemKey string) (item *memcache.Item, err error) {
	_, err = s.wires.call(ctx, true, func(c *memcache.Client) (err error) {
		item, err = c.Get(itemKey)
		return err
	})
	if errors.Is(err, memcache.ErrCacheMiss) {
		return nil, nil
	}
	return item, err
}

// unread is the error of an item that cannot be read.
func (s *memcachedStore) unread(ctx context.Context, item *memcache.Item, err error) error {
	return fmt.Errorf("memcached %s: %w", s.wires.address, s.aside.told(ctx, item, err))
}

// Update looks, applies f and writes if nothing has changed; else it looks again.
func (s *memcachedStore) Update(ctx context.Context, key, why string, f func([]byte) ([]byte, error)) error {
	if err := s.update(ctx, key, f); err != nil {
		return fmt.Errorf("cannot store %q (%s): %w", key, why, err)
	}
	return nil
}

func (s *memcachedStore) update(ctx context.Context, key string, f func([]byte) ([]byte, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	giveBack, err := s.turns.take(ctx, key)
	if err != nil {
		return err
	}
	defer giveBack()
	for attempt := 1; ; attempt++ {
		begun := time.Now()
		seen, err := s.look(ctx, key)
		if err != nil {
			return err
		}
		// f gets a copy: one that changes it in place must not look like no change.
		next, err := f(bytes.Clone(seen.doc))
		switch {
		case err != nil:
			return err
		case bytes.Equal(seen.doc, next):
			return nil
		case len(next) == 0:
			return errors.New("the new document is empty")
		case int64(len(next)) > s.items.maxSize:
			return fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(next), s.items.maxSize)
		}
		if done, err := s.write(ctx, key, seen, next); done || err != nil {
			return err
		}
		if err := pause(ctx, attempt, time.Since(begun)); err != nil {
			return fmt.Errorf("others were faster %d times: %w", attempt, err)
		}
	}
}

// pause waits before an attempt is repeated. It is drawn, so that writers do not
// keep in step, from a time that grows with the attempts and with how long one
// takes: that is how long the others need.
func pause(ctx context.Context, attempt int, took time.Duration) error {
	most := min(took<<min(attempt+3, 6), longestPause)
	timer := time.NewTimer(rand.N(most + 1)) //nolint:gosec // only spreads writers
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
