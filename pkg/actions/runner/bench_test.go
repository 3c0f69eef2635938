package runner_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/actions/runner"
)

// A thousand actions of 20 ms each, one after the other and fifty at once, in
// the same run; "times" is how much faster fifty are than one. The time it would
// take without any queue is 20 s and 0.4 s.
func BenchmarkRun(b *testing.B) {
	const queued, takes = 1000, 20 * time.Millisecond
	for b.Loop() {
		one := runAll(b, 1, queued, takes)
		fifty := runAll(b, 50, queued, takes)
		b.ReportMetric(one.took.Seconds(), "s/width1")
		b.ReportMetric(fifty.took.Seconds(), "s/width50")
		b.ReportMetric(one.took.Seconds()/fifty.took.Seconds(), "times")
		b.ReportMetric(float64(fifty.swaps), "swaps/width50")
		b.ReportMetric(float64(fifty.heap)/(1<<20), "MiB/width50")
	}
}

type ran struct {
	took  time.Duration
	swaps int64
	heap  uint64 // the greatest that was seen while it ran
}

// counted counts the swaps of a store.
type counted struct {
	*link
	swaps atomic.Int64
}

func (c *counted) Update(ctx context.Context, key, why string, f func([]byte) ([]byte, error)) error {
	c.swaps.Add(1)
	return c.link.Update(ctx, key, why, f)
}

// runAll does everything that is queued, in stores of its own.
func runAll(b *testing.B, width, queued int, takes time.Duration) ran {
	b.Helper()
	shared := &counted{link: &link{Store: openStore(b, "file:"+b.TempDir())}}
	own := openStore(b, "file:"+filepath.Join(b.TempDir(), "state"))
	l := ledger.New(ledger.Options{Shared: shared, Own: own, Manager: "m1", Limits: actions.Usual()})
	var peak atomic.Uint64
	r := runner.New(runner.Options{
		Ledger: l, Manager: "m1", Limits: actions.Usual(), Words: actions.UsualWords(), Width: width, Grace: time.Second,
		Handler: func(actions.Action) runner.Handler {
			return func(ctx context.Context, a actions.Action) error {
				if a.ID.Seq%100 == 0 {
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					peak.Store(max(peak.Load(), m.HeapInuse))
				}
				passes(ctx, takes)
				return nil
			}
		},
	})
	request := actions.Request{Words: actions.UsualWords()}
	for n := range queued {
		request.Drafts = append(request.Drafts, draft(fmt.Sprint("node", n)))
	}
	if got, err := l.Add(b.Context(), request); err != nil || len(got.Added) != queued {
		b.Fatal(err, got.Bad)
	}
	shared.swaps.Store(0)
	began := time.Now()
	told, err := r.Run(b.Context(), runner.Input{})
	if err != nil || len(told) != 2*queued {
		b.Fatalf("%d moves (%v)", len(told), err)
	}
	return ran{time.Since(began), shared.swaps.Load(), peak.Load()}
}
