package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bradfitz/gomemcache/memcache"
)

// mostSends is how often a write whose answer got lost is sent. Sending it
// again is harmless: it is the same item with the same CAS id, so that the
// server takes one of them at most.
const mostSends = 3

// write stores next in the place of what was seen. done is false where that has
// changed meanwhile or is forgotten, and nothing was written.
//
//	pointer (add, where there is none) ─► document (add, else cas)
//	                                          │ the answer is lost
//	                     ┌────────────────────▼─────────────────────┐
//	                     │ look: where is my nonce in the trail?     │
//	                     ├─ there                        done        │
//	                     ├─ what I saw, unchanged        send again ─┘
//	                     ├─ another on what I saw        not done
//	                     ├─ no such document, or epoch   not done
//	                     └─ no telling                   ErrUnknown
func (s *memcachedStore) write(ctx context.Context, key string, seen *sight, next []byte) (done bool, err error) {
	pointer := pointerKey(s.prefix, key)
	epoch := seen.epoch
	if epoch == nil {
		if epoch, err = s.begin(ctx, pointer, key); epoch == nil || err != nil {
			return false, err
		}
	}
	mine := newNonce()
	trail := append([]nonce{mine}, seen.trail...)
	if seen.casID == 0 {
		trail = append(trail, nonce{})
	}
	item := s.items.sealDocument(documentKey(pointer, epoch), key, trail, next)
	item.CasID = seen.casID

	sent, err := s.send(ctx, item)
	switch {
	case err == nil:
		return s.stillThere(ctx, key, seen, epoch), nil
	case answered(err):
		return false, nil
	case tooLarge(err):
		return false, fmt.Errorf("%w: %d bytes, %d compressed, are more than the memcached %s takes in one item, "+
			"which is 1 MiB unless it was started with -I", ErrTooLarge, len(next), len(item.Value), s.wires.address)
	case fullServer(err):
		return false, fmt.Errorf("the memcached is full: %w", err)
	case !sent:
		return false, err
	}
	return s.settle(ctx, key, &attempt{seen: seen, epoch: epoch, mine: mine, item: item}, err)
}

// begin starts an epoch and returns it, nil where somebody else was faster.
func (s *memcachedStore) begin(ctx context.Context, pointer, key string) ([]byte, error) {
	epoch := newEpoch()
	item := s.items.seal(pointer, key, epoch)
	_, err := s.wires.call(ctx, true, func(c *memcache.Client) error { return c.Add(item) })
	if errors.Is(err, memcache.ErrNotStored) {
		return nil, nil
	}
	return epoch, err
}

// send sends the document's item, by add where it has no CAS id.
func (s *memcachedStore) send(ctx context.Context, item *memcache.Item) (sent bool, err error) {
	return s.wires.call(ctx, false, func(c *memcache.Client) error {
		if item.CasID == 0 {
			return c.Add(item)
		}
		return c.CompareAndSwap(item)
	})
}

// stillThere tells whether a document that was stored can be found. A cas finds
// nothing in an epoch that a restart ended, but an add makes an item there.
func (s *memcachedStore) stillThere(ctx context.Context, key string, seen *sight, epoch []byte) bool {
	if seen.casID != 0 {
		return true
	}
	now, err := s.look(ctx, key)
	return err != nil || slices.Equal(now.epoch, epoch)
}

// attempt is a write whose answer got lost.
type attempt struct {
	seen  *sight
	epoch []byte
	mine  nonce
	item  *memcache.Item
}

// settle finds out what became of a write, of which lost is what is known.
func (s *memcachedStore) settle(ctx context.Context, key string, a *attempt, lost error) (done bool, err error) {
	for sends := 1; ; sends++ {
		now, err := s.look(ctx, key)
		if err != nil {
			return false, fmt.Errorf("%w: %w; reading again: %w", ErrUnknown, lost, err)
		}
		switch a.became(now) {
		case stored:
			return true, nil
		case overtaken:
			return false, nil
		case unclear:
			return false, fmt.Errorf("%w: %w; it was changed more often since than can be told", ErrUnknown, lost)
		}
		if sends == mostSends {
			return false, fmt.Errorf("%w: sent %d times: %w", ErrUnknown, sends, lost)
		}
		// Whatever the answer is now, an earlier one may be what was stored.
		if _, err := s.send(ctx, a.item); err == nil {
			return s.stillThere(ctx, key, a.seen, a.epoch), nil
		} else if !answered(err) {
			lost = err
		}
	}
}

type fate int

const (
	unclear   fate = iota
	stored         // it is in the document
	overtaken      // it is not, and can no longer come to be
	pending        // nothing has changed; it may still arrive
)

// became tells what became of the attempt, from what is there now.
func (a *attempt) became(now *sight) fate {
	switch {
	case !slices.Equal(now.epoch, a.epoch):
		return overtaken
	case now.casID == 0 && a.seen.casID != 0:
		return overtaken // evicted; a cas cannot bring it back
	case slices.Contains(now.trail, a.mine):
		return stored
	case now.newest() == a.seen.newest():
		return pending
	case slices.Contains(now.trail, a.seen.newest()), slices.Contains(now.trail, nonce{}):
		return overtaken // the trail leads back far enough
	}
	return unclear
}

// What memcached says, in the library's words, when it has not stored an item.
// Any other error it reports may come from a proxy that does not know.
func tooLarge(err error) bool { return strings.Contains(err.Error(), "SERVER_ERROR object too large") }

func fullServer(err error) bool {
	return strings.Contains(strings.ToLower(err.Error()), "server_error out of memory")
}
