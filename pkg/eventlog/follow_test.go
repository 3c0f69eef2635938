package eventlog_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/eventlog"
)

// follower collects in the background what a Follow yields.
type follower struct {
	entries chan string
	bad     chan int
	stop    func()
}

func follow(t *testing.T, log *eventlog.Log, filter eventlog.Filter) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f := &follower{entries: make(chan string, 100_000), bad: make(chan int, 1000)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for entry, err := range log.Follow(ctx, filter) {
			var unreadable *eventlog.Unreadable
			switch {
			case errors.As(err, &unreadable):
				f.bad <- unreadable.Lines
			case err != nil:
				t.Errorf("Follow: %v", err)
			default:
				f.entries <- entry.ID
			}
		}
	}()
	f.stop = func() { cancel(); <-done }
	t.Cleanup(f.stop)
	return f
}

// take waits for n more entries.
func (f *follower) take(t *testing.T, n int) (got []string) {
	t.Helper()
	patience := time.After(30 * time.Second)
	for len(got) < n {
		select {
		case id := <-f.entries:
			got = append(got, id)
		case <-patience:
			t.Fatalf("only %d of %d entries came: %q", len(got), n, got)
		}
	}
	return got
}

// want waits for these entries, in this order.
func (f *follower) want(t *testing.T, batch []eventlog.Entry) {
	t.Helper()
	if got := f.take(t, len(batch)); !slices.Equal(got, ids(batch)) {
		t.Fatalf("Follow yields %q, want %q", got, ids(batch))
	}
}

// wantNoMore stops the follower, which must not have yielded anything else.
func (f *follower) wantNoMore(t *testing.T) {
	t.Helper()
	f.stop()
	if n := len(f.entries); n > 0 {
		t.Fatalf("%d more entries came, first %q", n, <-f.entries)
	}
}

func TestFollow(t *testing.T) {
	log := open(t, t.TempDir(), eventlog.Options{MaxSize: 1000})
	all := events("a", 0, 40)
	early := follow(t, log, eventlog.Filter{}) // before there is a file
	for _, entry := range all[:10] {
		add(t, log, []eventlog.Entry{entry})
	}
	early.want(t, all[:10])
	since := follow(t, log, eventlog.Filter{Since: all[5].At})
	since.want(t, all[5:10])
	some := follow(t, log, eventlog.Filter{Limit: 3})
	some.want(t, all[7:10])
	for _, entry := range all[10:20] { // over several files between two looks
		add(t, log, []eventlog.Entry{entry})
	}
	for _, f := range []*follower{early, since, some} {
		f.want(t, all[10:20])
	}
	add(t, log, all[15:25]) // half of it repeated
	add(t, log, all[25:])
	for _, f := range []*follower{early, since, some} {
		f.want(t, all[20:])
		f.wantNoMore(t)
	}
}

func TestFollowOnlyWhatIsNew(t *testing.T) {
	folder := t.TempDir()
	log := open(t, folder, eventlog.Options{})
	add(t, log, events("a", 0, 20_000)) // more than is looked at
	write(t, live(folder), "nonsense\n")
	f := follow(t, log, eventlog.Filter{Limit: eventlog.NoPast})
	// There is no telling from outside when Follow has begun; events that it
	// still took for past ones may be missing at the front, never later.
	var first string
	next := 20_000
	for first == "" {
		add(t, log, events("a", next, next+1))
		next++
		select {
		case first = <-f.entries:
		case <-time.After(10 * time.Millisecond):
		}
	}
	add(t, log, events("a", next, next+100))
	got := f.take(t, 1)
	for got[len(got)-1] != event("a", next+99).ID {
		got = append(got, f.take(t, 1)...)
	}
	last := events("a", 20_000, next+100)
	want := ids(last[len(last)-len(got)-1:])
	if !slices.Equal(append([]string{first}, got...), want) {
		t.Errorf("got %q and %q, want %q", first, got, want)
	}
	f.wantNoMore(t)
	if len(f.bad) > 0 {
		t.Error("a line of the past was warned about")
	}
}

func TestFollowSeesSoon(t *testing.T) {
	log := open(t, t.TempDir(), eventlog.Options{})
	f := follow(t, log, eventlog.Filter{})
	best := time.Hour
	for i := range 10 {
		begin := time.Now()
		add(t, log, events("a", i, i+1))
		f.want(t, events("a", i, i+1))
		best = min(best, time.Since(begin))
	}
	if best > 200*time.Millisecond { // of ten, since the machine may be busy
		t.Errorf("an entry was seen %v later at best", best)
	}
}

func TestFollowWhenSomebodyMeddles(t *testing.T) {
	folder := t.TempDir()
	log := open(t, folder, eventlog.Options{MaxSize: 1000})
	f := follow(t, log, eventlog.Filter{})
	add(t, log, events("a", 0, 3))
	f.want(t, events("a", 0, 3))

	if err := os.Truncate(live(folder), 0); err != nil {
		t.Fatal(err)
	}
	add(t, log, events("b", 0, 1))
	f.want(t, events("b", 0, 1))

	if err := os.Remove(live(folder)); err != nil {
		t.Fatal(err)
	}
	add(t, log, events("c", 0, 2))
	f.want(t, events("c", 0, 2))

	for i := range 20 {
		add(t, log, events("rotated", i, i+1))
	}
	f.want(t, events("rotated", 0, 20))
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		add(t, log, events("d", i, i+1))
	}
	f.want(t, events("d", 0, 10))

	write(t, live(folder), "nonsense\nhalf a li")
	write(t, live(folder), "ne\n")
	add(t, log, events("e", 0, 1))
	f.want(t, events("e", 0, 1))
	patience := time.After(30 * time.Second)
	for bad := 0; bad < 2; {
		select {
		case n := <-f.bad:
			bad += n
		case <-patience:
			t.Fatalf("%d unreadable lines, want 2", bad)
		}
	}
	f.wantNoMore(t)
	if len(f.bad) > 0 {
		t.Errorf("%d more unreadable lines", <-f.bad)
	}
}

func TestFollowEndsWithItsConsumer(t *testing.T) {
	log := open(t, t.TempDir(), eventlog.Options{})
	add(t, log, events("a", 0, 3))
	n := 0
	for range log.Follow(t.Context(), eventlog.Filter{}) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d entries", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for entry, err := range log.Follow(ctx, eventlog.Filter{}) {
		t.Errorf("after its end Follow yields %v, %v", entry, err)
	}
}
