package logs_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/monitor/logs"
	"github.com/clmgr/clmgr/pkg/store"
)

// longest is how long a test waits for what must come, on a machine that may be busy.
const longest = 60 * time.Second

// sink is where events are told: each id once, as in the event log.
type sink struct {
	mu       sync.Mutex
	events   []heartbeat.Event
	came     []time.Time
	ids      map[string]bool
	repeated int
	fail     func(events []heartbeat.Event) error // after they are taken; nil for no failure
}

func newSink() *sink { return &sink{ids: map[string]bool{}} }

func (s *sink) tell(_ context.Context, events []heartbeat.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		if s.ids[e.ID] {
			s.repeated++
			continue
		}
		s.ids[e.ID] = true
		s.events, s.came = append(s.events, e), append(s.came, time.Now())
	}
	if s.fail != nil {
		return s.fail(events)
	}
	return nil
}

func (s *sink) all() []heartbeat.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]heartbeat.Event(nil), s.events...)
}

// of are the events with a state.
func (s *sink) of(state string) []heartbeat.Event {
	var out []heartbeat.Event
	for _, e := range s.all() {
		if e.Is.State == state {
			out = append(out, e)
		}
	}
	return out
}

// numbers are the numbers of numbered lines that were told, with how often.
func (s *sink) numbers() map[string]int {
	out := map[string]int{}
	for _, e := range s.of("numbered") {
		out[e.Labels["number"]]++
	}
	return out
}

// once fails where not each of the numbers from first to last was told exactly once.
func (s *sink) once(t *testing.T, first, last int) {
	t.Helper()
	s.await(t, fmt.Sprintf("line %d", last), func() bool { return s.numbers()[fmt.Sprint(last)] > 0 })
	numbers := s.numbers()
	for n := first; n <= last; n++ {
		if got := numbers[fmt.Sprint(n)]; got != 1 {
			t.Fatalf("line %d was told %d times; in all %d lines from %d to %d", n, got, len(numbers), first, last)
		}
	}
	if len(numbers) != last-first+1 {
		t.Fatalf("%d lines were told, not only those from %d to %d", len(numbers), first, last)
	}
}

func (s *sink) await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(longest); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			var said []string
			for _, e := range s.all() {
				said = append(said, e.String())
			}
			if len(said) > 20 {
				said = said[len(said)-20:]
			}
			t.Fatalf("%s did not come; told was\n%s", what, strings.Join(said, "\n"))
		}
	}
}

// looper is a loop of the package.
type looper interface {
	Run(ctx context.Context, beat func()) error
}

// running is a loop at work.
type running struct {
	cancel context.CancelFunc
	ended  chan error
	beats  atomic.Int64
}

func run(t *testing.T, l looper) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel: cancel, ended: make(chan error, 1)}
	go func() { r.ended <- l.Run(ctx, func() { r.beats.Add(1) }) }()
	t.Cleanup(cancel)
	return r
}

// stop ends the loop, which must not take long.
func (r *running) stop(t *testing.T) {
	t.Helper()
	began := time.Now()
	r.cancel()
	if err := <-r.ended; err != nil {
		t.Errorf("the loop ended with %v", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the loop took %v to end", took)
	}
}

const testKey = "watch/logs/c/m1"

func newStore(t *testing.T) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "file:"+t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// progress is what is stored about a watcher.
func progress(t *testing.T, s store.Store, name string) logs.Progress {
	t.Helper()
	state, err := logs.ReadState(t.Context(), s, testKey)
	if err != nil {
		t.Fatal(err)
	}
	if p := state.Watches[name]; p != nil {
		return *p
	}
	return logs.Progress{}
}
