package runner_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/runner"
)

type told = runner.Told

// stopwatch is a handler that notes when it was asked to stop, and then ends as
// it is told.
type stopwatch struct {
	began   time.Time
	stopped chan time.Duration // how long after it began
	end     error
}

func newStopwatch(end error) *stopwatch {
	return &stopwatch{stopped: make(chan time.Duration, 1), end: end}
}

func (s *stopwatch) handle(ctx context.Context, _ actions.Action) error {
	s.began = time.Now()
	<-ctx.Done()
	s.stopped <- time.Since(s.began)
	return s.end
}

// Another one takes over after one and a half leases; what the first says when
// it comes back is refused, or is a fact.
func TestLostLease(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, first string
		end         error
		state       actions.State
		fails       uint64
	}{
		{"late failure", "claim:a", errors.New("no"), actions.Running, 1},
		{"late success", "claim:a finish:a", nil, actions.Done, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				m1, m2 := s.manager("m1"), s.manager("m2")
				goOn := make(chan struct{})
				m1.handlers["a"] = func(context.Context, actions.Action) error { <-goOn; return test.end }
				second := newStopwatch(context.Canceled)
				m2.handlers["a"] = second.handle
				id := m1.add("a")[0]
				ran := m1.goes(t.Context())
				synctest.Wait()
				m1.link.cut(true)
				m2.look()
				time.Sleep(lease + lease/2 - time.Second)
				if got := m2.runs(); got != "" {
					t.Fatalf("too early: %s", got)
				}
				time.Sleep(time.Second)
				took := m2.goes(t.Context())
				synctest.Wait()
				m2.want(id, actions.Running, 1)
				m1.link.cut(false)
				time.Sleep(time.Second) // m1 learns of it
				close(goOn)
				if got := <-ran; got != test.first {
					t.Error(got)
				}
				m2.want(id, test.state, test.fails)
				if test.end != nil {
					m2.cancel(id)
				}
				if got := <-took; !strings.HasPrefix(got, "lapse:a claim:a stop:a") {
					t.Error(got)
				}
				if a := m1.action(id); a.Progress.Working() {
					t.Errorf("somebody seems to be at work: %+v", a.Progress)
				}
			})
		})
	}
}

// While a handler does not stop though its lease is lost, the store is not
// asked all the time.
func TestNothingSpinsWhileAHandlerDoesNotStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		m1, m2 := s.manager("m1"), s.manager("m2")
		m1.handlers["a"] = func(context.Context, actions.Action) error { time.Sleep(10 * time.Minute); return nil }
		id := m1.add("a")[0]
		ran := m1.goes(t.Context())
		synctest.Wait()
		m2.cancel(id)
		time.Sleep(time.Minute)
		before := m1.link.looked()
		<-ran
		if n := m1.link.looked() - before; n > 120 {
			t.Errorf("%d looks in nine minutes", n)
		}
		m2.want(id, actions.Done, 0)
	})
}

// A machine that slept beyond its leases stops what it did, and does not renew
// them: others may have begun where it was not known.
func TestMachineThatSlept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		m := s.manager("m1")
		w := newStopwatch(context.Canceled)
		m.handlers["a"] = w.handle
		goOn := make(chan struct{})
		m.handlers["b"] = func(context.Context, actions.Action) error { <-goOn; return nil }
		id := m.add("a", "b")[0]
		ran := m.goes(t.Context())
		time.Sleep(time.Second)
		m.sleeps.Store(int64(time.Hour))
		close(goOn) // the first that happens is a swap, which could renew the lease of a
		select {
		case after := <-w.stopped:
			if after > time.Second+lease/20 {
				t.Errorf("it was stopped %s after the machine woke up", after-time.Second)
			}
		case <-time.After(2 * lease):
			t.Fatal("it was not stopped")
		}
		if got := <-ran; got != "claim:a claim:b finish:b fail:a" {
			t.Error(got)
		}
		m.want(id, actions.Waiting, 0)
		if c := m.action(id).Progress.Claim(); c.Beat != 1 {
			t.Errorf("a lease that was over was renewed: %+v", c)
		}
	})
}

// The answer to a claim gets lost: the claim is taken up, and the work is done
// once.
func TestClaimWhoseAnswerGotLost(t *testing.T) {
	t.Parallel()
	for _, loses := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t)
			m, other := s.manager("m1"), s.manager("m2")
			var g gauge
			for _, group := range []string{"a", "b", "c"} {
				m.handlers[group] = g.does(time.Second, nil)
				other.handlers[group] = g.does(time.Second, nil)
			}
			m.options.Width = 2
			ids := m.add("a", "b", "c")
			m.link.set(func(l *link) { l.loses = loses })
			ran := m.goes(t.Context())
			synctest.Wait()
			beside := other.goes(t.Context())
			got := <-ran
			if strings.Contains(got, "ERROR") || strings.Count(got, "claim:a")+strings.Count(got, "claim:b") != 2 {
				t.Errorf("%d answers lost: %s", loses, got)
			}
			<-beside
			if all, most := g.count(); all != 3 || most > 3 {
				t.Errorf("%d answers lost: %d attempts, %d at once", loses, all, most)
			}
			for _, id := range ids {
				m.want(id, actions.Done, 0)
			}
		})
	}
}

// Without an answer for good, Run ends, and the claims lapse.
func TestStoreThatNeverAnswersAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		m, other := s.manager("m1"), s.manager("m2")
		var g gauge
		m.handlers["a"], other.handlers["a"] = g.does(time.Second, nil), g.does(time.Second, nil)
		id := m.add("a")[0]
		m.link.set(func(l *link) { l.loses = 1000 })
		began := time.Now()
		if got := <-m.goes(t.Context()); !strings.HasPrefix(got, " ERROR") || time.Since(began) > lease {
			t.Errorf("%s after %s", got, time.Since(began))
		}
		other.want(id, actions.Running, 0)
		time.Sleep(lease + lease/2)
		if got := other.runs(); got != "lapse:a claim:a finish:a" {
			t.Error(got)
		}
	})
}

// A claim that took as long as it lasts is not worked under.
func TestClaimThatTookTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newSite(t).manager("m1")
		m.options.Limits.Lease = 6 * time.Second
		var g gauge
		m.handlers["a"] = g.does(time.Second, nil)
		id := m.add("a")[0]
		m.link.set(func(l *link) { l.slow = 3 * time.Second })
		if got := m.runs(); got != "claim:a fail:a" {
			t.Error(got)
		}
		if all, _ := g.count(); all != 0 {
			t.Error("it was begun")
		}
		m.link.set(func(l *link) { l.slow = 0 })
		m.want(id, actions.Waiting, 0)
	})
}
