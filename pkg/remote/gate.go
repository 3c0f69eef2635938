package remote

import (
	"context"
	"slices"
	"sync"
)

// gate bounds how many sessions are open on one connection; the others queue in
// the order in which they came.
type gate struct {
	mu      sync.Mutex
	limit   int
	used    int
	waiting []chan struct{}
}

// enter waits for a place.
func (g *gate) enter(ctx context.Context, dead <-chan struct{}) error {
	g.mu.Lock()
	if g.used < g.limit {
		g.used++
		g.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	g.waiting = append(g.waiting, turn)
	g.mu.Unlock()
	var err error
	select {
	case <-turn:
		return nil
	case <-dead:
		err = errDead
	case <-ctx.Done():
		err = ctx.Err()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, turn); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
		return err
	}
	g.free() // the turn came in the same moment: it goes to the next
	return err
}

// leave gives the place to the next.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.free()
}

func (g *gate) free() {
	g.used--
	for g.used < g.limit && len(g.waiting) > 0 {
		g.used++
		close(g.waiting[0])
		g.waiting = g.waiting[1:]
	}
}

// refused is leave for a place the server did not give us. It tells whether
// waiting helps: others of ours are open, so that the server allows fewer than we
// thought, and the limit is lowered to what it has shown to allow.
func (g *gate) refused() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	others := g.used - 1
	if others > 0 && others < g.limit {
		g.limit = others
	}
	g.free()
	return others > 0
}
