package runner_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/actions/runner"
)

var (
	histories = flag.Int("histories", 150, "random histories to play")
	firstSeed = flag.Uint64("seed", 1, "the first one's seed")
)

// Three managers with real ledgers and runners, a store that forgets, answers
// late or not at all, cut links, killed processes, reboots, clocks an hour off:
// nothing is lost, nothing runs twice at once, done stays done, plans keep their
// order, and nobody is held up for longer than a lease and its lapse. A seed
// gives what happens, but not in which order goroutines do what they do at one
// instant: one that failed may have to be played some times, by -count.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	const lanes = 2
	var sum tally
	var mu sync.Mutex
	t.Run("lanes", func(t *testing.T) {
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				for n := lane; n < *histories && !t.Failed(); n += lanes {
					synctest.Test(t, func(t *testing.T) {
						w := newWorld(t, *firstSeed+uint64(n))
						w.play()
						mu.Lock()
						defer mu.Unlock()
						sum.add(w.sum)
					})
				}
			})
		}
	})
	t.Logf("%d histories: %+v", *histories, sum)
	if *histories >= 60 && !t.Failed() && (sum.Again == 0 || sum.Flushes == 0 || sum.Kills == 0) {
		t.Error("nothing was ever tried twice: these histories show nothing")
	}
}

func (s *tally) add(o tally) {
	s.Asked += o.Asked
	s.Starts += o.Starts
	s.Again += o.Again
	s.Flushes += o.Flushes
	s.Kills += o.Kills
}

// play lets things happen, then makes the world whole and waits for its end.
func (w *world) play() {
	for range 8 {
		time.Sleep(time.Duration(w.rng.IntN(20)+1) * time.Second)
		w.event()
	}
	w.heal()
	for _, n := range w.nodes {
		n.restart(0)
	}
	w.all.Wait()
}

func (w *world) event() {
	n := w.nodes[w.rng.IntN(len(w.nodes))]
	switch r := w.rng.IntN(100); {
	case r < 15:
		w.shared.flush()
		w.mu.Lock()
		w.sum.Flushes++
		w.mu.Unlock()
	case r < 45:
		n.set(func() { n.cut = !n.cut })
	case r < 60:
		n.restart(1 + w.rng.IntN(2)) // from cron and by hand at once
	case r < 70:
		n.reboot()
	case r < 85:
		skew := time.Duration(w.rng.IntN(3)-1) * time.Hour
		n.set(func() { n.skew = skew })
	}
}

// live is what a process does: it looks, is asked, and runs what is due.
func (l *life) live() {
	for !l.isDead() {
		pause := time.Duration(l.intn(12000)) * time.Millisecond
		if l.w.isCalm() {
			pause = 3 * time.Second
		}
		select {
		case <-l.dead:
			return
		case <-time.After(pause):
		}
		l.step()
	}
}

func (l *life) step() {
	r := l.intn(100)
	switch calm := l.w.isCalm(); {
	case calm:
		if r < 30 {
			l.retryFailed()
		}
		l.run(time.Minute)
	case r < 12:
		l.ask()
	case r < 15:
		l.cancelOne()
	case r < 20:
		l.retryFailed()
	case r < 30:
		_, _ = l.ledger.Look(context.Background())
	default:
		l.run(time.Duration(l.intn(120)+1) * time.Second)
	}
}

// run is one Run, which is interrupted when its time is over.
func (l *life) run(most time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	timer := time.AfterFunc(most, cancel)
	defer timer.Stop()
	defer cancel()
	_, _ = l.runner.Run(ctx, runner.Input{}) // what fails is seen by its results
}

func (l *life) ask() {
	r := actions.Request{Words: actions.UsualWords(), InOrder: true}
	for range l.intn(3) + 1 {
		a := draft(fmt.Sprintf("n%d", l.intn(5)))
		a.Do.Action = []string{"start", "stop", "restart"}[l.intn(3)]
		r.Drafts = append(r.Drafts, a)
	}
	got, err := l.ledger.Add(context.Background(), r)
	if err != nil && !errors.As(err, new(*ledger.Unshared)) && !errors.Is(err, errDead) {
		l.w.fail("%v", err)
	}
	if err != nil && !errors.As(err, new(*ledger.Unshared)) {
		return // it died before it could say so
	}
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	l.w.sum.Asked++
	for _, a := range got.Added {
		l.w.known[a.ID], _ = got.View.Queue.Get(a.ID)
	}
}

func (l *life) retryFailed() {
	_ = l.ledger.Change(context.Background(), "retry", func(v ledger.View) error {
		for _, a := range v.Queue.All() {
			if a.State() == actions.Failed {
				l.move(v.Queue, a.ID, func(a actions.Action) (actions.Progress, error) { return a.Progress.Retry(v.Now) })
			}
		}
		return nil
	})
}

func (l *life) cancelOne() {
	pick := l.intn(8)
	_ = l.ledger.Change(context.Background(), "cancel", func(v ledger.View) error {
		all := v.Queue.All()
		if pick >= len(all) {
			return errors.New("nothing to cancel")
		}
		_, err := v.Queue.Cancel(all[pick].ID, v.Now)
		return err
	})
}

// move fails the test for any error that is not a typed refusal.
func (l *life) move(q *actions.Queue, id actions.ID, f func(actions.Action) (actions.Progress, error)) {
	if err := q.Change(id, f); err != nil && !errors.As(err, new(*actions.Refused)) {
		l.w.fail("%v", err)
	}
}

// heal makes the world whole, but for its clocks, and waits for its end.
func (w *world) heal() {
	for _, n := range w.nodes {
		n.set(func() { n.cut = false })
		n.restart(1)
	}
	w.mu.Lock()
	w.calm, w.moved = true, time.Now()
	w.mu.Unlock()
	allowed := lease + lease/2 + modelLimits().Longest + 15*time.Second
	for {
		time.Sleep(5 * time.Second)
		left := w.left()
		w.mu.Lock()
		stuck, failed := time.Since(w.moved), w.failed
		w.mu.Unlock()
		if failed || left == "" {
			return
		}
		if stuck > allowed {
			w.fail("stuck for %s: %s", stuck, left)
			return
		}
	}
}

// left tells what is not over in the shared copy.
func (w *world) left() string {
	doc, _ := w.shared.get("actions")
	if doc == nil {
		if len(w.known) > 0 {
			return "there is no document"
		}
		return ""
	}
	q, err := queueIn(doc)
	if err != nil {
		w.fail("%v", err)
		return ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.known {
		a, there := q.Get(id)
		if !there && !w.verified[id] && !w.dropped[id] {
			if q.Seen(id) {
				w.failLocked("%s is lost", id)
			}
			return id.String() + " is not there"
		}
		if there && !a.State().Finished() {
			return fmt.Sprintf("%s is %s: %+v", id, a.State(), a.Progress)
		}
	}
	for _, a := range q.All() {
		if !a.State().Finished() {
			return fmt.Sprintf("%s is %s: %+v", a.ID, a.State(), a.Progress)
		}
	}
	return ""
}
