package runner_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clmgr/clmgr/pkg/actions/runner"
)

// served is a Serve that goes on beside the test.
type served struct {
	feed  chan runner.Input
	beats int
	over  chan error
}

func (m *manager) serves(ctx context.Context) *served {
	s := &served{feed: make(chan runner.Input), over: make(chan error, 1)}
	go func() { s.over <- runner.New(m.options).Serve(ctx, s.feed, func() { s.beats++ }) }()
	return s
}

func TestServeAnswersWhatItIsFed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newSite(t).manager("m1")
		var g gauge
		m.handlers["a"], m.handlers["b"], m.handlers["c"] = g.does(time.Second, nil), g.does(time.Minute, nil), g.does(time.Second, nil)
		var heard []runner.Told
		m.options.Tell = func(x runner.Told) { heard = append(heard, x) }
		s := m.serves(t.Context())
		m.add("a", "b")
		time.Sleep(5 * time.Second)
		if synctest.Wait(); len(heard) > 0 || s.beats < 5 {
			t.Errorf("before anything was fed: %s, %d beats", words(heard), s.beats)
		}
		s.feed <- runner.Input{}
		time.Sleep(5 * time.Second)
		if synctest.Wait(); words(heard) != "claim:a claim:b finish:a" {
			t.Errorf("fed once: %s", words(heard))
		}
		m.add("c")
		s.feed <- runner.Input{} // while b is at work
		time.Sleep(5 * time.Second)
		if synctest.Wait(); words(heard[3:]) != "claim:c finish:c" {
			t.Errorf("fed again: %s", words(heard[3:]))
		}
		m.add("a")
		before := s.beats
		close(s.feed)
		if err := <-s.over; err != nil || words(heard[5:]) != "finish:b" {
			t.Errorf("%v after the feed was closed: %s", err, words(heard[5:]))
		}
		if s.beats < before+40 {
			t.Errorf("%d beats in the last minute of b", s.beats-before)
		}
	})
}

func TestServeStopsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newSite(t).manager("m1")
		var g gauge
		m.handlers["a"] = g.does(time.Hour, nil)
		id := m.add("a")[0]
		ctx, cancel := context.WithCancel(t.Context())
		s := m.serves(ctx)
		s.feed <- runner.Input{}
		time.Sleep(time.Second)
		cancel()
		began := time.Now()
		if err := <-s.over; err != nil || time.Since(began) > m.options.Grace {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if v, err := m.Look(t.Context()); err != nil {
			t.Error(err)
		} else if a, _ := v.Queue.Get(id); a.Progress.Working() {
			t.Errorf("still %+v", a.Progress)
		}
		idle, stop := context.WithCancel(t.Context())
		s = m.serves(idle)
		stop()
		if err := <-s.over; err != nil {
			t.Error(err)
		}
	})
}
