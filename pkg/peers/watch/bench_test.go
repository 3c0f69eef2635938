package watch_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/memcachedtest"
	"github.com/clmgr/clmgr/pkg/peers/watch"
)

// The cost of watching a number of live peers over a real memcached for a second, at
// one report a second: the processor time of this process, in which all of them run,
// a manager.
func BenchmarkSecond(b *testing.B) {
	b.Run("3", func(b *testing.B) { second(b, 3) })
	b.Run("20", func(b *testing.B) { second(b, 20) })
}

func second(b *testing.B, managers int) {
	server := memcachedtest.Start(b, "127.0.0.1")
	folder := b.TempDir()
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, managers)
	for n := range managers {
		o, err := options(ctx, "manager"+string(rune('a'+n)), server.Address, folder, settings(time.Second, 10*time.Second))
		if err != nil {
			b.Fatal(err)
		}
		go func() { done <- watch.New(o).Run(ctx, func() {}) }()
	}
	time.Sleep(12 * time.Second) // windows long enough for phi
	before := used(b)
	seconds := 0
	for b.Loop() {
		time.Sleep(time.Second)
		seconds++
	}
	b.ReportMetric(float64((used(b)-before).Microseconds())/float64(seconds)/float64(managers), "cpu-µs/s/manager")
	cancel()
	for range managers {
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
}

// used is the processor time that this process has used.
func used(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
