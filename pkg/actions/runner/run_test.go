package runner_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/runner"
)

func TestRunDoesWhatIsDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		m, other := s.manager("m1"), s.manager("m2")
		var g gauge
		m.handlers["a"], m.handlers["b"] = g.does(time.Second, nil), g.does(time.Minute, nil)
		ids := m.add("a", "b")
		var heard []runner.Told
		m.options.Tell = func(x runner.Told) { heard = append(heard, x) }
		if got := m.runs(); got != "claim:a claim:b finish:a finish:b" || words(heard) != got {
			t.Errorf("%s, and told was %s", got, words(heard))
		}
		if last := heard[3]; last.Took != time.Minute || last.Action.State() != actions.Done {
			t.Errorf("%+v", last)
		}
		for _, id := range ids {
			other.want(id, actions.Done, 0)
		}
		if got := m.runs() + other.runs(); got != "" {
			t.Errorf("then %s", got)
		}
		if all, _ := g.count(); all != 2 {
			t.Errorf("%d attempts", all)
		}
	})
}

func TestFailsThreeTimesThenWorks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newSite(t).manager("m1")
		left := 3
		m.handlers["a"] = func(context.Context, actions.Action) error {
			if left--; left >= 0 {
				return fmt.Errorf("cannot start a: try %d", 3-left)
			}
			return nil
		}
		id := m.add("a")[0]
		began := time.Now()
		for try := uint64(1); try <= 3; try++ {
			if got := m.runs(); got != "claim:a fail:a" {
				t.Fatalf("try %d: %s", try, got)
			}
			m.want(id, actions.Waiting, try)
			f := m.action(id).Progress.Failure
			if f.Err != fmt.Sprintf("cannot start a: try %d", try) {
				t.Errorf("error %q", f.Err)
			}
			if got := m.runs(); got != "" {
				t.Fatalf("before its delay is over: %s", got)
			}
			time.Sleep(f.Delay)
		}
		if got := m.runs(); got != "claim:a finish:a" {
			t.Error(got)
		}
		m.want(id, actions.Done, 3)
		if took := time.Since(began); took < 25*time.Second || took > 36*time.Second {
			t.Errorf("it took %s, want 5 + 10 + 20 s less a quarter at most", took)
		}
	})
}

func TestGivesUpAndCanBeRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newSite(t).manager("m1")
		works := false
		m.handlers["a"] = func(context.Context, actions.Action) error {
			if works {
				return nil
			}
			return errors.New("no")
		}
		id := m.add("a")[0]
		for n := range actions.Usual().Tries {
			want := "claim:a fail:a"
			if n+1 == actions.Usual().Tries {
				want = "claim:a give-up:a"
			}
			if got := m.runs(); got != want {
				t.Fatalf("try %d: %s", n+1, got)
			}
			time.Sleep(actions.Usual().Longest)
		}
		m.want(id, actions.Failed, actions.Usual().Tries)
		if got := m.runs(); got != "" {
			t.Errorf("after it was given up: %s", got)
		}
		works = true
		m.retry(id)
		if got := m.runs(); got != "claim:a finish:a" {
			t.Error(got)
		}
	})
}

func TestPanicIsAFailureOfThatActionAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newSite(t).manager("m1")
		var g gauge
		m.handlers["a"] = func(context.Context, actions.Action) error { panic("no such host") }
		m.handlers["b"] = g.does(time.Second, nil)
		ids := m.add("a", "b")
		if got := m.runs(); got != "claim:a claim:b fail:a finish:b" {
			t.Error(got)
		}
		m.want(ids[0], actions.Waiting, 1)
		if got := m.action(ids[0]).Progress.Failure.Err; got != "its handler broke: no such host" {
			t.Error(got)
		}
	})
}

func TestRetryAndWaitAreNoFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newSite(t).manager("m1")
		n := 0
		m.handlers["a"] = func(context.Context, actions.Action) error {
			if n++; n%2 == 0 {
				return &actions.Wait{Reason: "the machine is gone again"}
			}
			return fmt.Errorf("cannot start a: %w", &actions.Retry{After: time.Minute, Reason: "apt is busy"})
		}
		id := m.add("a")[0]
		for range 2 * actions.Usual().Tries {
			if got := m.runs(); got != "claim:a fail:a" {
				t.Fatal(got)
			}
			m.want(id, actions.Waiting, 0)
			if got, want := m.action(id).Progress.Failure.Delay, []time.Duration{5 * time.Second, time.Minute}[n%2]; got != want {
				t.Errorf("delay %s, want %s", got, want)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestWidth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newSite(t).manager("m1")
		m.options.Width = 3
		var g gauge
		var groups []string
		for n := range 10 {
			groups = append(groups, fmt.Sprint("n", n))
			m.handlers[groups[n]] = g.does(time.Duration(n+1)*time.Second, nil)
		}
		m.add(groups...)
		m.runs()
		if all, most := g.count(); all != 10 || most != 3 {
			t.Errorf("%d handlers, %d at once", all, most)
		}
	})
}

func TestOnlyAndWhatThisProgramCannotDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newSite(t).manager("m1")
		var g gauge
		m.handlers["a"], m.handlers["b"] = g.does(time.Second, nil), g.does(time.Second, nil)
		ids := m.add("a", "b", "unknown")
		m.only = func(a actions.Action) bool { return a.Do.Group == "b" }
		if got := m.runs(); got != "claim:b finish:b" {
			t.Error(got)
		}
		m.only = nil
		if got := m.runs(); got != "claim:a finish:a" {
			t.Error(got)
		}
		m.want(ids[2], actions.Waiting, 0)
	})
}

// A plan goes on in its order within one Run, and not beyond what failed.
func TestPlanInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newSite(t).manager("m1")
		var g gauge
		for _, group := range []string{"a", "b", "c"} {
			m.handlers[group] = g.does(time.Second, nil)
		}
		works := m.handlers["b"]
		m.handlers["b"] = g.does(time.Second, errors.New("no"))
		m.addRequest(actions.Request{InOrder: true}, "a", "b", "c")
		if got := m.runs(); got != "claim:a finish:a claim:b fail:b" {
			t.Error(got)
		}
		time.Sleep(time.Minute)
		m.handlers["b"] = works
		if got := m.runs(); got != "claim:b finish:b claim:c finish:c" {
			t.Error(got)
		}
		if _, most := g.count(); most != 1 {
			t.Errorf("%d at once", most)
		}
	})
}

func TestErrorsAreMaskedAndFitOneLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newSite(t).manager("m1")
		m.options.Mask = func(s string) string { return strings.ReplaceAll(s, "hunter2", "***") }
		m.handlers["a"] = func(context.Context, actions.Action) error {
			return errors.New("cannot log in:\n\tpassword hunter2 " + strings.Repeat("é", 1000))
		}
		id := m.add("a")[0]
		told, err := m.run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{told[1].Reason, m.action(id).Progress.Failure.Err} {
			if strings.Contains(text, "hunter2") || strings.ContainsAny(text, "\n\t") || len(text) > 520 || !strings.HasPrefix(text, "cannot log in: password ***") {
				t.Errorf("%q", text)
			}
		}
	})
}

// Two that run at the same instant share the work and repeat none of it.
func TestTwoManagersAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		var mu sync.Mutex
		times := map[string]int{}
		var groups []string
		for n := range 20 {
			groups = append(groups, fmt.Sprint("n", n))
		}
		var all []chan string
		for _, name := range []string{"m1", "m2", "m3"} {
			m := s.manager(name)
			for _, group := range groups {
				m.handlers[group] = func(ctx context.Context, _ actions.Action) error {
					mu.Lock()
					times[group]++
					mu.Unlock()
					passes(ctx, 10*time.Second)
					return nil
				}
			}
			if name == "m1" {
				m.add(groups...)
			}
			all = append(all, m.goes(t.Context()))
		}
		for _, c := range all {
			if got := <-c; strings.Contains(got, "ERROR") {
				t.Error(got)
			}
		}
		v := s.manager("m4").look()
		for _, a := range v.Queue.All() {
			if times[a.Do.Group] != 1 || a.State() != actions.Done {
				t.Errorf("%s ran %d times and is %s", a.Do.Group, times[a.Do.Group], a.State())
			}
		}
	})
}
