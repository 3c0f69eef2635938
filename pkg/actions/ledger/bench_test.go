package ledger_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
)

// filled returns a manager with that many actions in its queue.
func filled(b *testing.B, n int) *manager {
	b.Helper()
	m := newManager(b, b.TempDir(), "m1")
	var groups []string
	for i := range n {
		groups = append(groups, fmt.Sprintf("node%d", i))
	}
	m.add(b, groups...)
	m.look(b)
	m.look(b)
	return m
}

// A look at two equal copies, by a process that goes on and by one that begins.
func BenchmarkLook(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		m := filled(b, n)
		b.Run(fmt.Sprintf("queued=%d", n), func(b *testing.B) {
			for b.Loop() {
				m.look(b)
			}
		})
		b.Run(fmt.Sprintf("queued=%d/new", n), func(b *testing.B) {
			for b.Loop() {
				ledger.New(ledger.Options{
					Shared: m.shared, Own: m.own, Manager: "m1", Forgets: true, Limits: actions.Usual(),
				}).Look(b.Context())
			}
		})
	}
}

// One action is claimed and handed back, in both copies.
func BenchmarkChange(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		m := filled(b, n)
		x := m.look(b).Queue.All()[0].ID
		b.Run(fmt.Sprintf("queued=%d", n), func(b *testing.B) {
			for b.Loop() {
				err := m.Change(b.Context(), "claim", func(v ledger.View) error {
					return v.Queue.Change(x, func(a actions.Action) (actions.Progress, error) {
						if c := a.Progress.Claim(); !c.Ended && c.Try > 0 {
							return a.Progress.Fail(c, actions.Failure{Err: "no"})
						}
						return a.Progress.Take("m1", actions.Usual().Lease, v.Now)
					})
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Eight at once queue one action each.
func BenchmarkAdd(b *testing.B) {
	const eight = 8
	b.Run("goroutines", func(b *testing.B) {
		m := newManager(b, b.TempDir(), "m1")
		n := 0
		for b.Loop() {
			var all sync.WaitGroup
			for i := range eight {
				all.Go(func() {
					if _, err := m.Add(b.Context(), request(fmt.Sprintf("n%d-%d", n, i))); err != nil {
						b.Error(err)
					}
				})
			}
			all.Wait()
			n++
		}
		b.ReportMetric(float64(b.N*eight)/b.Elapsed().Seconds(), "adds/s")
	})
	b.Run("processes", func(b *testing.B) {
		const each = 25
		for b.Loop() {
			b.StopTimer()
			shared, state := b.TempDir(), filepath.Join(b.TempDir(), "state")
			b.StartTimer()
			var all sync.WaitGroup
			for i := range eight {
				cmd := child(b, shared, state, fmt.Sprintf("p%d", i), each)
				all.Go(func() {
					if out, err := cmd.Output(); err != nil {
						b.Errorf("%v\n%s", err, out)
					}
				})
			}
			all.Wait()
		}
		b.ReportMetric(float64(b.N*eight*each)/b.Elapsed().Seconds(), "adds/s")
	})
}
