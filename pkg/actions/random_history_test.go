package actions

import (
	"flag"
	"fmt"
	"testing"
	"time"
)

var (
	histories = flag.Int("histories", 3000, "random histories to play")
	firstSeed = flag.Uint64("seed", 1, "the first one's seed")
)

// Three managers, a store that forgets and answers late, disks that get lost,
// cut links, crashes, reboots, clocks an hour off: nothing is lost that somebody
// holds, nothing runs twice at once, done stays done, plans keep their order,
// and once the world is whole everything comes to its end.
func TestRandomHistories(t *testing.T) {
	var starts, again, flushes, rounds int
	for n := range *histories {
		w := newWorld(t, fmt.Sprintf("history -histories 1 -seed %d", *firstSeed+uint64(n)), *firstSeed+uint64(n))
		for range 100 {
			w.step(&flushes)
		}
		w.heal()
		rounds += w.rounds
		for _, s := range w.starts {
			starts += s
			again += s - 1
		}
	}
	t.Logf("%d histories, %d flushes, %d starts, %d of them again, %d rounds to the end", *histories, flushes, starts, again, rounds)
	if *histories >= 100 && (again == 0 || flushes == 0) {
		t.Error("nothing was ever tried twice: these histories show nothing")
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
