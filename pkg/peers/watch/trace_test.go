package watch_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/children"
	"github.com/clmgr/clmgr/internal/memcachedtest"
	"github.com/clmgr/clmgr/pkg/peers"
	"github.com/clmgr/clmgr/pkg/store"
)

var record = flag.Duration("record", 0, "for how long to record arrivals into ../testdata/arrivals.txt; a child lives a minute")

// longestRecord is how long one manager is recorded, within the life of a child.
const longestRecord = 50 * time.Second

// The trace that package peers is tested with is of a real loop, over a real memcached,
// on a machine that has more to do than it can. Without -record a short one is made, of
// four arrivals at least and without that load, so that the recorder stays true.
func TestRecordArrivals(t *testing.T) {
	const interval = 500 * time.Millisecond
	server := memcachedtest.Start(t, "127.0.0.1")
	want := max(*record, 3*time.Second)
	shared, err := store.Open(t.Context(), "memcached://"+server.Address, store.Options{SigningKey: []byte(signingKey)})
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{fmt.Sprintf("# First sights of reports published every %s, in microseconds.", interval)}
	arrivals := 0
	for began := time.Now(); time.Since(began) < want; {
		lines = append(lines, "# a manager starts")
		n := recordOne(t, server, shared, interval, min(want-time.Since(began), longestRecord), &lines)
		arrivals += n
	}
	if arrivals < 4 {
		t.Errorf("%d arrivals in %s", arrivals, want)
	}
	if *record > 0 {
		if err := os.WriteFile("../testdata/arrivals.txt", []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// recordOne records the arrivals of one manager, which lives as long.
func recordOne(t *testing.T, server *memcachedtest.Server, shared store.Store, interval, length time.Duration, lines *[]string) int {
	for range 4 * min(*record, 1) {
		busy := children.Command(t, "burn")
		children.Start(t, busy)
		nice(t, busy.Process.Pid, 5)
		defer busy.Process.Kill()
	}
	cmd := children.Command(t, "watch", "publisher", server.Address, t.TempDir(), interval.String(), "5s")
	if said := children.Start(t, cmd); !said.Scan() || said.Text() != "watching" {
		t.Fatal("no manager")
	}
	if *record > 0 {
		nice(t, cmd.Process.Pid, 19)
	}
	var last uint64
	n := 0
	ticker := time.NewTicker(interval / 4)
	defer ticker.Stop()
	for began := time.Now(); time.Since(began) < length || n < 4 && time.Since(began) < longestRecord; <-ticker.C {
		doc, err := shared.Get(t.Context(), "peers/report/publisher")
		if err != nil {
			t.Fatal(err)
		}
		report, err := peers.DecodeReport("publisher", doc)
		if err != nil {
			t.Fatal(err)
		}
		if report.Seq != last {
			last = report.Seq
			n++
			*lines = append(*lines, fmt.Sprint(time.Since(began).Microseconds()))
		}
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
	return n
}

// nice gives a process a turn less often: jitter, as on a machine that others use.
func nice(t *testing.T, pid, level int) {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks { // it is a property of threads
		id, err := strconv.Atoi(task.Name())
		if err == nil {
			err = syscall.Setpriority(syscall.PRIO_PROCESS, id, level)
		}
		if err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
}
