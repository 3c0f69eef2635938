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

// A store that is away for less than a lease holds nobody up.
func TestStoreAwayForAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		m := s.manager("m1")
		var g gauge
		m.handlers["a"] = g.does(2*time.Minute, nil)
		id := m.add("a")[0]
		ran := m.goes(t.Context())
		time.Sleep(time.Minute)
		m.link.cut(true)
		time.Sleep(lease / 2)
		m.link.cut(false)
		if got := <-ran; got != "claim:a finish:a" {
			t.Error(got)
		}
		s.manager("m2").want(id, actions.Done, 0)
	})
}

// However a store does not answer, a handler is stopped before others may
// begin; what it found out is kept on disk and brought over.
func TestStoreAwayForLonger(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		breaks func(*link)
		end    error
		state  actions.State
	}{
		{"refuses, stopped", func(l *link) { l.down = errDown }, context.Canceled, actions.Waiting},
		{"refuses, was through", func(l *link) { l.down = errDown }, nil, actions.Done},
		{"hangs, stopped", func(l *link) { l.slow = time.Hour }, context.Canceled, actions.Waiting},
		{"hangs, was through", func(l *link) { l.slow = time.Hour }, nil, actions.Done},
		{"is slow, stopped", func(l *link) { l.slow, l.down = 4*time.Second, errDown }, errors.New("signal: killed"), actions.Waiting},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				m1, m2 := s.manager("m1"), s.manager("m2")
				w := newStopwatch(test.end)
				m1.handlers["a"] = w.handle
				id := m1.add("a")[0]
				ran := m1.goes(t.Context())
				time.Sleep(time.Second)
				m1.link.set(test.breaks)
				if after := <-w.stopped; after >= lease || after < lease*8/10 {
					t.Errorf("it was stopped %s after its beat", after)
				}
				if got := <-ran; !strings.Contains(got, "ERROR") {
					t.Errorf("%s, and no error", got)
				}
				m2.want(id, actions.Running, 0)
				own, err := m1.Own(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if a, _ := own.Get(id); a.State() != test.state || a.Progress.Failure.Times != 0 {
					t.Errorf("in its own copy it is %+v", a.Progress)
				}
				m1.link.set(func(l *link) { l.down, l.slow = nil, 0 })
				m1.look()
				m2.want(id, test.state, 0)
			})
		})
	}
}

// A store that is away when Run begins is an error, and nothing is begun.
func TestStoreAwayFromTheBeginning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newSite(t).manager("m1")
		var g gauge
		m.handlers["a"] = g.does(time.Second, nil)
		m.add("a")
		m.link.cut(true)
		if _, err := m.run(t.Context()); !errors.Is(err, errDown) {
			t.Error(err)
		}
		if all, _ := g.count(); all != 0 {
			t.Error("it was begun without a claim")
		}
	})
}
