package logs

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Pauses before reading is begun again, the first and the longest; each is twice as
// long as the one before, until something was read.
const (
	firstPause   = 50 * time.Millisecond
	longestPause = 5 * time.Second
)

// errKeeping is wrapped by errors that are not the log's but ours: what cannot be told
// or stored is for the caller to notice.
var errKeeping = errors.New("cannot keep what was read")

func keeping(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errKeeping, err)
}

// again reads until ctx ends, and begins anew whenever that fails. read tells whether
// it has read anything.
func (k *keeper) again(ctx context.Context, beat func(), read func() (bool, error)) error {
	pause := firstPause
	for {
		some, err := read()
		switch {
		case ctx.Err() != nil:
			return k.close(ctx)
		case errors.Is(err, errKeeping):
			return err
		case some:
			pause = firstPause
		}
		if err != nil {
			if err := k.troubled(ctx, time.Now(), err); err != nil {
				return err
			}
		}
		if err := rest(ctx, pause, beat); err != nil {
			return k.close(ctx)
		}
		pause = min(2*pause, longestPause)
	}
}

// rest beats for a while.
func rest(ctx context.Context, pause time.Duration, beat func()) error {
	over := time.NewTimer(pause)
	defer over.Stop()
	ticks := time.NewTicker(turning)
	defer ticks.Stop()
	for {
		beat()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over.C:
			return nil
		case <-ticks.C:
		}
	}
}

// longestLook is how long one command on the machine may take. For as long the loop
// beats while it waits for it.
const longestLook = 30 * time.Second

// look does something that may take a while, and beats meanwhile.
func look[T any](ctx context.Context, beat func(), do func(context.Context) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	ctx, cancel := context.WithTimeout(ctx, longestLook)
	defer cancel()
	came := make(chan answer, 1)
	go func() {
		v, err := do(ctx)
		came <- answer{v, err}
	}()
	ticks := time.NewTicker(turning)
	defer ticks.Stop()
	for {
		select {
		case a := <-came:
			return a.value, a.err
		case <-ctx.Done():
			a := <-came // soon: it has the same context
			return a.value, a.err
		case <-ticks.C:
			beat()
		}
	}
}
