package runner_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/store"
)

// link is one manager's way to a real store.
type link struct {
	store.Store
	mu    sync.Mutex
	down  error
	slow  time.Duration // every operation takes that long, or as long as it is given
	loses int           // so many answers to updates that claim get lost
	looks int
	calls int // of the function of the last update
	// between is called once after the next update has read, before it writes.
	between func()
}

var errDown = errors.New("connection refused")

func (l *link) set(f func(*link)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(l)
}

func (l *link) looked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.looks
}

func (l *link) cut(down bool) {
	l.set(func(l *link) {
		if l.down = nil; down {
			l.down = errDown
		}
	})
}

// pass returns the error of an operation that does not reach the store.
func (l *link) pass(ctx context.Context) error {
	l.mu.Lock()
	down, slow := l.down, l.slow
	l.mu.Unlock()
	if slow > 0 {
		timer := time.NewTimer(slow)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
	}
	return down
}

func (l *link) Get(ctx context.Context, key string) ([]byte, error) {
	l.set(func(l *link) { l.looks++ })
	if err := l.pass(ctx); err != nil {
		return nil, err
	}
	return l.Store.Get(ctx, key)
}

func (l *link) Update(ctx context.Context, key, why string, f func([]byte) ([]byte, error)) error {
	if why == "" {
		panic("a write that names no move")
	}
	if err := l.pass(ctx); err != nil {
		return err
	}
	calls := 0
	err := l.Store.Update(ctx, key, why, func(old []byte) ([]byte, error) {
		next, err := f(old)
		calls++
		var between func()
		l.set(func(l *link) { between, l.between, l.calls = l.between, nil, calls })
		if between != nil {
			between()
		}
		return next, err
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && l.loses > 0 && strings.Contains(why, "claim") {
		l.loses--
		return fmt.Errorf("%w: the answer got lost", store.ErrUnknown)
	}
	return err
}
