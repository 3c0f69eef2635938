package logs_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/monitor/logs"
)

// burst is how many lines come at once.
const burst = 500_000

func TestBurst(t *testing.T) {
	b := boot(t, lab.Debian12())
	t.Run("all is kept", b.testBurst)
	t.Run("some is removed while it is read", b.testBurstRemoved)
}

// pour has the unit print so many lines as fast as it can, and returns when the journal
// holds what it holds of them.
func (b *bench) pour(t *testing.T, unit string, lines int) {
	t.Helper()
	b.on(t, fmt.Sprintf("systemd-run --quiet --wait --unit=%s seq -f 'line %%.0f of a burst, with some words in it' 1 %d; journalctl --sync", unit, lines))
}

// heldBy are the numbers of the unit's lines that the journal holds.
func (b *bench) heldBy(t *testing.T, unit string) []string {
	t.Helper()
	return strings.Fields(b.on(t, "journalctl -q -o cat -u "+unit+" | sed -n 's/^line \\([0-9]*\\) of a burst.*/\\1/p'"))
}

// testBurst drains a burst over SSH, while it comes and after that: what the journal has
// taken must have been told 30 s later at the latest, or as much later as journald itself
// took for it where the machine is that busy.
func (b *bench) testBurst(t *testing.T) {
	s, to, told := newStore(t), newSink(), &tally{count: make([]uint8, burst+1)}
	b.journald(t, "RateLimitIntervalSec=0", "SystemMaxUse=2G")
	o := b.options(s, to)
	o.Tell = told.tell
	before := b.followers(t)
	r := run(t, logs.NewJournal(o, []logs.Watcher{numbered("w", "burst.service")}))
	to.await(t, "a journalctl that follows", func() bool { return b.followers(t) != before })
	cpu, peak := cpuTime(t), watchHeap(t)
	began := time.Now()
	b.pour(t, "burst", burst)
	poured := time.Now()
	to.await(t, "the last line", func() bool { return told.events.Load() >= burst })
	behind, used, heap := time.Since(poured), cpuTime(t)-cpu, peak()
	r.stop(t)
	if held := b.heldBy(t, "burst"); len(held) != burst || told.other != 0 {
		t.Errorf("the journal holds %d lines; told were %d events that are none of these", len(held), told.other)
	}
	for n := 1; n <= burst; n++ {
		if told.count[n] != 1 {
			t.Fatalf("line %d was told %d times", n, told.count[n])
		}
	}
	if behind > max(30*time.Second, poured.Sub(began)) {
		t.Errorf("the last line was told %v after journald had it", behind)
	}
	if heap > 48<<20 {
		t.Errorf("the heap grew to %d MB", heap>>20)
	}
	t.Logf("%d lines: journald took %.1f s, the last was told %.1f s later; %.1f µs of CPU a line here, with SSH; the heap grew by %d MB",
		burst, poured.Sub(began).Seconds(), behind.Seconds(), float64(used.Microseconds())/burst, heap>>20)
	if p := progress(t, s, "w"); p.Events != burst {
		t.Errorf("stored is %+v", p)
	}
}

// tally counts numbered lines as they are told, and keeps no event.
type tally struct {
	count  []uint8
	other  int
	events atomic.Int64
}

func (c *tally) tell(_ context.Context, events []heartbeat.Event) error {
	for _, e := range events {
		if n, err := strconv.Atoi(e.Labels["number"]); err == nil && e.Is.State == "numbered" {
			c.count[n]++
		} else {
			c.other++
		}
	}
	c.events.Add(int64(len(events)))
	return nil
}

// testBurstRemoved lets journald keep so little that it removes lines before they are
// read: what it holds in the end was told, and that others were lost.
func (b *bench) testBurstRemoved(t *testing.T) {
	b.journald(t, "RateLimitIntervalSec=0", "SystemMaxUse=24M", "SystemMaxFileSize=8M")
	to := newSink()
	hold := make(chan struct{})
	slow := b.options(newStore(t), to)
	tell := slow.Tell
	slow.Tell = func(ctx context.Context, events []heartbeat.Event) error {
		<-hold
		return tell(ctx, events)
	}
	before := b.followers(t)
	r := run(t, logs.NewJournal(slow, []logs.Watcher{numbered("w", "removed.service")}))
	to.await(t, "a journalctl that follows", func() bool { return b.followers(t) != before })
	b.pour(t, "removed", burst/2)
	close(hold)
	held := b.heldBy(t, "removed")
	last := held[len(held)-1]
	to.await(t, "the last line", func() bool { return to.numbers()[last] > 0 })
	r.stop(t)
	numbers, gaps, missing := to.numbers(), to.of(logs.Gap), 0
	for _, g := range gaps {
		n, err := strconv.Atoi(g.Labels["missing"])
		if err != nil {
			t.Errorf("missing are %q", g.Labels["missing"])
		}
		missing += n
	}
	for _, n := range held {
		if numbers[n] != 1 {
			t.Fatalf("line %s, which the journal holds, was told %d times", n, numbers[n])
		}
	}
	if len(gaps) == 0 || len(numbers)+missing < burst/2 || len(numbers)+missing > burst/2+1000 || to.repeated > 0 {
		t.Errorf("told were %d, missing %d in %d gaps; %d were told again", len(numbers), missing, len(gaps), to.repeated)
	}
	t.Logf("of %d lines the journal holds %d; told were %d, and %d missing in %d gaps", burst/2, len(held), len(numbers), missing, len(gaps))
}

// cpuTime is what this process has used.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// watchHeap looks at the heap until the function it returns is called, which says the
// largest growth.
func watchHeap(t *testing.T) func() uint64 {
	t.Helper()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	begin, peak := m.HeapInuse, m.HeapInuse
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 {
		close(done)
		<-over
		return peak - min(begin, peak)
	}
}
