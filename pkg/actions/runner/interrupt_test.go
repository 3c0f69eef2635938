package runner_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
)

// An interruption is nobody's failure, whatever the work ends with because of
// it, and the others know at once that it is over.
func TestInterruptedWorkIsHandedBack(t *testing.T) {
	t.Parallel()
	for _, end := range []error{context.Canceled, errors.New("cannot install: signal: killed"), &actions.Retry{Reason: "half done"}} {
		t.Run(end.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				m, other := s.manager("m1"), s.manager("m2")
				m.handlers["a"] = func(ctx context.Context, _ actions.Action) error {
					<-ctx.Done()
					return end
				}
				ids := m.add("a", "b", "c")
				ctx, interrupt := context.WithCancel(t.Context())
				ran := m.goes(ctx)
				time.Sleep(time.Minute + time.Second) // between two beats
				other.want(ids[0], actions.Running, 0)
				interrupted := time.Now()
				interrupt()
				if got := <-ran; got != "claim:a fail:a" || time.Since(interrupted) > time.Second {
					t.Errorf("%s after %s", got, time.Since(interrupted))
				}
				other.want(ids[0], actions.Waiting, 0)
				if a := other.action(ids[0]); a.Progress.Working() {
					t.Error("for the others somebody is still at work on it")
				}
				for range 2 * actions.Usual().Tries { // even if it happens again and again
					time.Sleep(actions.Usual().Longest)
					ctx, interrupt := context.WithCancel(t.Context())
					ran := m.goes(ctx)
					synctest.Wait()
					interrupt()
					<-ran
				}
				other.want(ids[0], actions.Waiting, 0)
			})
		})
	}
}

// What does not come to an end in the time given has failed, so that it is
// given up one day; unless its handler says that it got on.
func TestTimeIsOver(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		end   func(context.Context) error
		fails uint64
	}{
		{"hangs", func(ctx context.Context) error { return ctx.Err() }, 1},
		{"says why", func(context.Context) error { return errors.New("cannot install: signal: killed") }, 1},
		{"gets on", func(context.Context) error { return &actions.Retry{Reason: "the clone is at 40 %"} }, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newSite(t).manager("m1")
				m.handlers["a"] = func(ctx context.Context, _ actions.Action) error {
					<-ctx.Done()
					return test.end(ctx)
				}
				id := m.add("a")[0]
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				if got := <-m.goes(ctx); got != "claim:a fail:a" {
					t.Error(got)
				}
				m.want(id, actions.Waiting, test.fails)
				reason := m.action(id).Progress.Failure.Err
				if test.fails == 1 && !strings.HasPrefix(reason, "it did not come to an end within 2m0s") ||
					test.name == "says why" && !strings.HasSuffix(reason, "signal: killed") {
					t.Error(reason)
				}
			})
		})
	}
}

// A success that comes while clmgr is interrupted is a success.
func TestSuccessDuringInterruption(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newSite(t).manager("m1")
		m.handlers["a"] = func(ctx context.Context, _ actions.Action) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			return nil
		}
		id := m.add("a")[0]
		ctx, interrupt := context.WithCancel(t.Context())
		ran := m.goes(ctx)
		synctest.Wait()
		interrupt()
		if got := <-ran; got != "claim:a finish:a" {
			t.Error(got)
		}
		m.want(id, actions.Done, 0)
	})
}

// A handler that does not listen is left under its lease: Run returns, nobody
// begins before the lease has lapsed, and its late end does no harm.
func TestHandlerThatDoesNotStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		m1, m2 := s.manager("m1"), s.manager("m2")
		goOn := make(chan struct{})
		m1.handlers["a"] = func(context.Context, actions.Action) error {
			<-goOn
			return errors.New("too late")
		}
		var g gauge
		m2.handlers["a"] = g.does(time.Minute, nil)
		id := m1.add("a")[0]
		ctx, interrupt := context.WithCancel(t.Context())
		ran := m1.goes(ctx)
		time.Sleep(time.Minute + time.Second) // between two beats
		interrupt()
		interrupted := time.Now()
		if got := <-ran; got != "claim:a" || time.Since(interrupted) != m1.options.Grace {
			t.Errorf("%s after %s, want it after %s", got, time.Since(interrupted), m1.options.Grace)
		}
		m2.want(id, actions.Running, 0)
		var took chan string
		for { // m2 looks from cron
			took = m2.goes(t.Context())
			synctest.Wait()
			if all, _ := g.count(); all > 0 {
				break
			}
			if got := <-took; got != "" || time.Since(interrupted) > 2*lease {
				t.Fatalf("%s after %s", got, time.Since(interrupted))
			}
			time.Sleep(time.Second)
		}
		if waited := time.Since(interrupted); waited < lease || waited > m1.options.Grace+lease+lease/2+time.Second {
			t.Errorf("m2 took over after %s", waited)
		}
		close(goOn)
		synctest.Wait()
		m1.look()
		if got := <-took; got != "lapse:a claim:a finish:a" {
			t.Error(got)
		}
		m1.want(id, actions.Done, 1)
	})
}

func TestCancelWhileRunning(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		end   error
		ran   string
		state actions.State
	}{
		{"stops", context.Canceled, "claim:a cancel:b stop:a", actions.Cancelled},
		{"is through", nil, "claim:a cancel:b finish:a", actions.Done},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				m, other := s.manager("m1"), s.manager("m2")
				m.handlers["a"] = func(ctx context.Context, _ actions.Action) error {
					<-ctx.Done()
					return test.end
				}
				ids := m.addRequest(actions.Request{InOrder: true}, "a", "b")
				var reason string
				m.options.Tell = func(x told) { reason = x.Reason }
				ran := m.goes(t.Context())
				time.Sleep(time.Minute + time.Second) // between two beats
				other.cancel(ids[0])
				cancelled := time.Now()
				other.want(ids[0], actions.Cancelled, 0)
				if a := other.action(ids[0]); !a.Progress.Working() {
					t.Error("nobody seems to be at work on it, but somebody is")
				}
				got := <-ran
				if waited := time.Since(cancelled); got != test.ran || waited > lease/3 {
					t.Errorf("%s after %s", got, waited)
				}
				other.want(ids[0], test.state, 0)
				if a := other.action(ids[0]); a.Progress.Working() {
					t.Error("it has stopped, and nobody knows")
				}
				if test.end != nil && !strings.Contains(reason, "it is cancelled") {
					t.Errorf("the reason is %q", reason)
				}
			})
		})
	}
}

// What was left under its lease is not taken for a claim whose answer got lost,
// which is handed back.
func TestWhatIsLeftIsNotHandedBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		m, other := s.manager("m1"), s.manager("m2")
		m.options.Grace = 400 * time.Millisecond
		goOn := make(chan struct{})
		m.handlers["a"] = func(context.Context, actions.Action) error { <-goOn; return nil }
		m.handlers["b"] = m.handlers["a"]
		a := m.add("a")[0]
		ctx, interrupt := context.WithCancel(t.Context())
		ran := m.goes(ctx)
		synctest.Wait()
		b := m.add("b")[0]
		m.link.set(func(l *link) { l.loses = 1 })
		time.Sleep(lease / 3) // the next beat claims b as well
		synctest.Wait()
		other.want(b, actions.Running, 0)
		m.link.cut(true)
		interrupt()
		time.Sleep(200 * time.Millisecond)
		m.link.cut(false)
		if got := <-ran; got != "claim:a claim:b fail:b" {
			t.Error(got)
		}
		other.want(a, actions.Running, 0)
		other.want(b, actions.Waiting, 0)
		close(goOn)
	})
}
