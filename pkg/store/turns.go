package store

import (
	"context"
	"fmt"
	"sync"
)

// turns lets the goroutines of one Store write a document one after the other,
// in the order in which they came, where the backing itself lets nobody wait.
type turns struct {
	mu   sync.Mutex
	keys map[string]*turn // those that somebody has or waits for
}

type turn struct {
	taken chan struct{} // holds one token while somebody has the turn
	users int
}

// take waits for the turn on key and returns what gives it back.
func (t *turns) take(ctx context.Context, key string) (giveBack func(), err error) {
	t.mu.Lock()
	mine := t.keys[key]
	if mine == nil {
		mine = &turn{taken: make(chan struct{}, 1)}
		t.keys[key] = mine
	}
	mine.users++
	t.mu.Unlock()

	select {
	case mine.taken <- struct{}{}:
		return func() { <-mine.taken; t.leave(key, mine) }, nil
	case <-ctx.Done():
		t.leave(key, mine)
		return nil, fmt.Errorf("waiting for another update of this process: %w", ctx.Err())
	}
}

func (t *turns) leave(key string, mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.users--; mine.users == 0 {
		delete(t.keys, key)
	}
}
