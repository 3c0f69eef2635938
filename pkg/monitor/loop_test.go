package monitor

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// looker counts when it looks.
type looker struct {
	took  time.Duration
	at    []time.Duration
	begun time.Time
}

func (l *looker) task(every, limit time.Duration, err error) *task {
	return &task{every: every, limit: limit, look: func(context.Context) take {
		l.at = append(l.at, time.Since(l.begun))
		time.Sleep(l.took)
		return func(context.Context, time.Time) error { return err }
	}}
}

// run runs a loop for as long as span and returns the longest time between two beats, and
// how the loop ended.
func run(l *Loop, span time.Duration) (longest time.Duration, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), span)
	defer cancel()
	last := time.Now()
	err = l.Run(ctx, func() {
		longest, last = max(longest, time.Since(last)), time.Now()
	})
	return max(longest, time.Since(last)), err
}

const second = time.Second

// Each looks at its own beat, spread over it, and a slow one holds up nobody and is not
// begun a second time.
func TestLoopKeepsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, slow := &looker{begun: time.Now()}, &looker{begun: time.Now()}, &looker{begun: time.Now(), took: 25 * second}
		l := &Loop{tasks: []*task{a.task(10*second, second, nil), slow.task(10*second, 60*second, nil), b.task(30*second, second, nil)}}
		longest, err := run(l, 61*second)
		if err != nil || longest > second {
			t.Errorf("%v, and %s between two beats", err, longest)
		}
		if want := []time.Duration{0, 10 * second, 20 * second, 30 * second, 40 * second, 50 * second, 60 * second}; !slices.Equal(a.at, want) {
			t.Errorf("%v", a.at)
		}
		if want := []time.Duration{20 * second, 50 * second}; !slices.Equal(b.at, want) {
			t.Errorf("%v", b.at)
		}
		if len(slow.at) != 2 || slow.at[1]-slow.at[0] != 30*second {
			t.Errorf("%v", slow.at)
		}
		time.Sleep(60 * second) // the slow look that was under way
	})
}

// A look that does not come back in its time stops the beats.
func TestLoopDoesNotBeatForWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, hung := &looker{begun: time.Now()}, &looker{begun: time.Now(), took: time.Hour}
		l := &Loop{tasks: []*task{hung.task(10*second, 5*second, nil), good.task(10*second, second, nil)}}
		longest, err := run(l, 60*second)
		if err != nil || longest < 50*second || longest > 53*second {
			t.Errorf("%v, and %s between two beats", err, longest)
		}
		time.Sleep(time.Hour)
	})
}

// What cannot be recorded ends the loop; it can be run again.
func TestLoopEndsByAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full, x := errors.New("disk full"), &looker{begun: time.Now()}
		l := &Loop{tasks: []*task{x.task(10*second, second, full)}}
		for range 2 {
			if _, err := run(l, 60*second); !errors.Is(err, full) {
				t.Errorf("%v", err)
			}
		}
		if len(x.at) != 2 {
			t.Errorf("%v", x.at)
		}
	})
}

// Only so many look at once, and all get their turn.
func TestLoopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, now, most, all := &Loop{}, 0, 0, 0
		var mu sync.Mutex
		count := func(by int) {
			mu.Lock()
			defer mu.Unlock()
			now, all = now+by, all+max(by, 0)
			most = max(most, now)
		}
		for range 100 {
			l.tasks = append(l.tasks, &task{every: time.Millisecond, limit: 10 * second, look: func(context.Context) take {
				count(1)
				time.Sleep(second)
				count(-1)
				return func(context.Context, time.Time) error { return nil }
			}})
		}
		_, err := run(l, 20*second)
		time.Sleep(10 * second) // the looks that were under way
		mu.Lock()
		defer mu.Unlock()
		if err != nil || most != width || all < 19*width {
			t.Errorf("%v; at most %d of %d at once", err, most, all)
		}
	})
}
