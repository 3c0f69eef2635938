package daemon

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestALoopThatFailsIsStartedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var starts []time.Duration
		var faults []string
		began := time.Now()
		l := Loop{Name: "l", Run: func(ctx context.Context, beat func()) error {
			starts = append(starts, time.Since(began))
			switch len(starts) {
			case 1:
				return errors.New("no luck")
			case 2:
				panic("no luck at all")
			case 3:
				return nil
			}
			Rest(ctx, beat, time.Hour)
			return nil
		}}
		beats := 0
		over := make(chan struct{})
		go func() {
			defer close(over)
			l.keep(ctx, func() { beats++ }, func(err error) { faults = append(faults, err.Error()) })
		}()
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(starts) != 4 || starts[1] != firstPause || starts[2] != 3*firstPause || starts[3] != 7*firstPause {
			t.Errorf("started after %v", starts)
		}
		if len(faults) != 3 || faults[0] != "no luck" || !strings.Contains(faults[1], "panic: no luck at all") || !strings.Contains(faults[2], "nobody asked") {
			t.Errorf("%q", faults)
		}
		if beats < 55 {
			t.Errorf("%d beats in a minute", beats)
		}
		cancel()
		<-over
	})
}

func TestWorkThatHangsHasNoBeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var last time.Time
		began := time.Now()
		go Within(func() { last = time.Now() }, 10*time.Second, func() { <-t.Context().Done() })
		time.Sleep(time.Minute)
		synctest.Wait()
		if silent := last.Sub(began); silent < 8*time.Second || silent > 10*time.Second {
			t.Errorf("the last beat was after %v", silent)
		}
	})
}

func TestWithinPassesPanicsOn(t *testing.T) {
	t.Parallel()
	defer func() {
		if p := recover(); p == nil || !strings.Contains(p.(string), "oh") {
			t.Errorf("%v", p)
		}
	}()
	Within(func() {}, time.Second, func() { panic("oh") })
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const interval = 40 * time.Second
	at := func(ages ...time.Duration) []Turn {
		var out []Turn
		for _, a := range ages {
			out = append(out, Turn{Name: "l", Age: a})
		}
		return out
	}
	for _, c := range []struct {
		name        string
		turns       []Turn
		due         bool
		alive, hung bool
	}{
		{"all turn", at(0, time.Second), true, true, false},
		{"not yet due", at(0), false, false, false},
		{"one is late", at(0, 11*time.Second), true, false, false},
		{"one hangs", at(0, 21*time.Second), false, false, true},
		{"one hangs, and it is due", at(30*time.Second, 0), true, false, true},
	} {
		v := judge(c.turns, interval, c.due)
		if v.alive != c.alive || (v.hung != nil) != c.hung {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
	if v := judge(at(2*time.Second), time.Second, true); !v.alive || v.hung != nil {
		t.Errorf("of a short watchdog: %+v", v)
	}
}
