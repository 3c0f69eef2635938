package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/clmgr/clmgr/pkg/store"
)

// How long one operation may take. The own copy is worth waiting for: without it
// nothing goes on, and its lock is not given in the order of who came first.
const (
	storeTime = 5 * time.Second
	ownTime   = 20 * time.Second
)

// get returns a document, nil where there is none.
func get(ctx context.Context, s store.Store, key string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	raw, err := s.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return raw, err
}

func update(ctx context.Context, s store.Store, most time.Duration, key, why string, f func([]byte) ([]byte, error)) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return s.Update(ctx, key, why, f)
}
