package manager

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/porttest"
)

// heap is how much memory is in use, in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC() // the first has finalizers run
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// As many heartbeats as a daemon makes in a day, one after the other, leave no more
// memory in use, and no more goroutines, than the first of them did.
func TestMemoryOfADay(t *testing.T) {
	t.Parallel()
	var services strings.Builder
	port := porttest.Accepting(t, "127.0.0.1")
	for n := range 5 {
		fmt.Fprintf(&services, "      - {name: s%d, mode: there, instance: here, port: %d}\n", n, port)
	}
	m := watched(t, "  c:\n    instances: [{name: here, ip: 127.0.0.1, here: true}]\n    services:\n"+services.String()+
		"modes: {there: {port: 22, tcp: {}}}\n")
	u, f := NewUpkeep(), newFeed()
	day := int(24 * time.Hour / m.cfg.Daemon.Interval)
	began := time.Now()
	var first, last int64
	var before, after int
	for n := range day {
		if err := m.beatOnce(t.Context(), u, f); err != nil {
			t.Fatal(err)
		}
		switch n {
		case day / 10:
			first, before = heap(), runtime.NumGoroutine()
		case day - 1:
			last, after = heap(), runtime.NumGoroutine()
		}
	}
	t.Logf("%d heartbeats in %s: %.2f MB in use, then %.2f MB; %d goroutines, then %d", day, time.Since(began).Round(time.Second),
		float64(first)/1e6, float64(last)/1e6, before, after)
	if !strings.Contains(u.Status(), "5 of 5 services running") {
		t.Errorf("they saw: %s", u.Status())
	}
	if last > first+first/10+100_000 || after > before+5 {
		t.Error("a day leaves something behind")
	}
}
