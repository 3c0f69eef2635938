package actions

import (
	"flag"
	"fmt"
	"testing"
	"time"
)

var (
	histories = flag.Int("histories", 2000, "random histories to play")
	firstSeed = flag.Uint64("seed", 1, "the first one's seed")
)

// Three managers, a store that forgets and answers late, disks that get lost,
// cut links, crashes, reboots, clocks an hour off: nothing is lost that somebody
// holds, nothing runs twice at once, done stays done, plans keep their order,
// and once the world is whole everything comes to its end.
func TestRandomHistories(t *testing.T) {
	const lanes = 4
	var sum [lanes]tally
	t.Run("lanes", func(t *testing.T) {
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				for n := lane; n < *histories; n += lanes {
					sum[lane].play(t, *firstSeed+uint64(n))
				}
			})
		}
	})
	for _, s := range sum[1:] {
		sum[0] = tally{sum[0].starts + s.starts, sum[0].again + s.again, sum[0].flushes + s.flushes, sum[0].rounds + s.rounds}
	}
	t.Logf("%d histories: %+v", *histories, sum[0])
	if *histories >= 100 && !t.Failed() && (sum[0].again == 0 || sum[0].flushes == 0) {
		t.Error("nothing was ever tried twice: these histories show nothing")
	}
}

// tally counts what happened in some histories.
type tally struct{ starts, again, flushes, rounds int }

func (s *tally) play(t *testing.T, seed uint64) {
	w := newWorld(t, fmt.Sprintf("history -histories 1 -seed %d", seed), seed)
	for range 100 {
		w.step(&s.flushes)
	}
	w.heal()
	s.rounds += w.rounds
	for _, n := range w.starts {
		s.starts += n
		s.again += n - 1
	}
}

func (w *world) step(flushes *int) {
	m := w.managers[w.rng.IntN(3)]
	switch n := w.rng.IntN(100); {
	case n < 10:
		w.askSomething(m)
	case n < 40:
		w.look(m)
	case n < 60:
		w.work(m, 4)
	case n < 82:
		w.pass(time.Duration(w.rng.IntN(15)+1) * time.Second)
	case n < 84:
		w.flush()
		*flushes++
	case n < 88:
		m.cut = !m.cut
	case n < 90:
		w.restart(m)
	case n < 91:
		w.reboot(m)
	case n < 92:
		w.loseDisk(m)
	case n < 94:
		m.skew = time.Duration(w.rng.IntN(3)-1) * time.Hour
	case n < 97:
		w.machines[w.rng.IntN(3)] = []string{"running", "stopped", "unreachable"}[w.rng.IntN(3)]
	case n < 99:
		w.someone(m, func(a Action) bool { return a.State() == Failed }, func(q *Queue, id ID) error {
			return q.Change(id, func(a Action) (Progress, error) { return a.Progress.Retry(w.wall(m)) })
		})
	default:
		w.someone(m, func(a Action) bool { return !a.State().Finished() }, func(q *Queue, id ID) error {
			_, err := q.Cancel(id, w.wall(m))
			return err
		})
	}
}

func (w *world) askSomething(m *manager) {
	group := func() string { return []string{"n1", "n2", "n3", "all"}[min(w.rng.IntN(7)/2, 3)] }
	verb := func() string { return []string{"start", "stop", "bootstrap_ncc"}[w.rng.IntN(3)] }
	var words []string
	for range w.rng.IntN(3) + 1 {
		words = append(words, verb()+":"+group())
	}
	w.ask(m, words...)
}

// someone does f to one action of those that want says.
func (w *world) someone(m *manager, want func(Action) bool, f func(*Queue, ID) error) {
	_ = w.update(m, func(q *Queue) {
		for _, a := range q.All() {
			if want(a) && w.rng.IntN(2) == 0 {
				w.refused(f(q, a.ID))
				return
			}
		}
	})
}

// heal makes the world whole, but for its clocks, and lets it come to its end.
func (w *world) heal() {
	for n, m := range w.managers {
		m.cut = false
		w.machines[n] = heartbeatRunning
	}
	for round := range 100 {
		for _, m := range w.managers {
			w.look(m)
			w.work(m, 10)
		}
		w.retryFailed(w.managers[0])
		if w.over() {
			w.rounds = round
			return
		}
		w.pass(20 * time.Second)
	}
	w.fail("stuck: %s", statesOf(w.doc))
}

func (w *world) retryFailed(m *manager) {
	_ = w.update(m, func(q *Queue) {
		for _, a := range q.All() {
			if a.State() == Failed {
				w.refused(q.Change(a.ID, func(a Action) (Progress, error) { return a.Progress.Retry(w.wall(m)) }))
			}
		}
	})
}

const heartbeatRunning = "running"

// over tells whether everything that somebody held is done or was cancelled.
func (w *world) over() bool {
	for id := range w.known {
		if !w.verified[id] && !w.dropped[id] {
			if _, there := w.doc.Get(id); !there {
				w.fail("%s is lost", id)
			}
			return false
		}
	}
	for _, a := range w.doc.All() {
		if !a.State().Finished() {
			return false
		}
	}
	return true
}

func statesOf(q *Queue) string {
	out := ""
	for _, a := range q.All() {
		out += fmt.Sprintf("%s %s of plan %q after %v: %+v\n", a.ID, a.State(), a.Plan, a.After, a.Progress)
	}
	return out
}
