package daemon

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// Loop is something that goes on as long as the daemon does.
type Loop struct {
	Name string
	// Run works until ctx ends, and then returns soon. It calls beat at least once a
	// second while it turns.
	Run func(ctx context.Context, beat func()) error
	// Drains says that Run may take its time after ctx has ended, to finish what it
	// has begun: the loops of another configuration begin beside it.
	Drains bool
}

// BeatEvery is how often a loop beats at least.
const BeatEvery = time.Second

// The pauses before a loop that failed is started again.
const (
	firstPause   = time.Second
	longestPause = time.Minute
)

// keep runs a loop until ctx ends, again and again where it fails.
func (l Loop) keep(ctx context.Context, beat func(), failed func(error)) {
	pause := firstPause
	for {
		began := time.Now()
		err := l.guarded(ctx, beat)
		if ctx.Err() != nil {
			if err != nil && !errors.Is(err, context.Canceled) {
				failed(err)
			}
			return
		}
		if err == nil {
			err = errors.New("it ended though nobody asked for that")
		}
		failed(err)
		if time.Since(began) > longestPause {
			pause = firstPause
		}
		if !Rest(ctx, beat, pause) {
			return
		}
		pause = min(2*pause, longestPause)
	}
}

// guarded runs the loop once; a panic in it is an error.
func (l Loop) guarded(ctx context.Context, beat func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return l.Run(ctx, beat)
}

// Rest waits for a time, with beats, and tells whether ctx still goes on.
func Rest(ctx context.Context, beat func(), d time.Duration) bool {
	return Await(ctx, beat, d, nil)
}

// Await waits, with beats, for a time or until something comes from wake; it tells
// whether ctx still goes on.
func Await(ctx context.Context, beat func(), d time.Duration, wake <-chan struct{}) bool {
	until := time.NewTimer(d)
	defer until.Stop()
	tick := time.NewTicker(BeatEvery)
	defer tick.Stop()
	for {
		beat()
		select {
		case <-ctx.Done():
			return false
		case <-until.C:
			return ctx.Err() == nil
		case <-wake:
			return ctx.Err() == nil
		case <-tick.C:
		}
	}
}

// Within does work that takes its time, with beats for as long as it may take; work that
// is not over by then is taken to hang, and has no more beats. It returns when the work
// does.
func Within(beat func(), most time.Duration, work func()) {
	done := make(chan struct{})
	var thrown any
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				thrown = fmt.Sprintf("%v\n%s", p, debug.Stack())
			}
		}()
		work()
	}()
	tick := time.NewTicker(BeatEvery)
	defer tick.Stop()
	began := time.Now()
	for beat(); ; {
		select {
		case <-done:
			if thrown != nil {
				panic(thrown)
			}
			return
		case <-tick.C:
			if time.Since(began) < most {
				beat()
			}
		}
	}
}
