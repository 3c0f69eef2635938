package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/clmgr/clmgr/internal/children"
	"github.com/clmgr/clmgr/pkg/store"
)

// put stores text as document n.
func put(t testing.TB, s store.Store, text string) {
	t.Helper()
	if err := s.Update(t.Context(), "n", "put", func([]byte) ([]byte, error) { return []byte(text), nil }); err != nil {
		t.Fatal(err)
	}
}

// want checks that document n is text, nothing where text is empty.
func want(t testing.TB, s store.Store, text string) {
	t.Helper()
	got, err := s.Get(t.Context(), "n")
	if text == "" && errors.Is(err, store.ErrNotFound) {
		return
	}
	if err != nil || string(got) != text {
		t.Fatalf("document is %q (%v), want %q", got, err, text)
	}
}

// appendDuring appends "+x" to document n, does things during the first call of
// f, and returns what f was given in each call.
func appendDuring(t testing.TB, s store.Store, things func()) (given []string, err error) {
	t.Helper()
	err = s.Update(t.Context(), "n", "append", func(old []byte) ([]byte, error) {
		given = append(given, string(old))
		if len(given) == 1 {
			things()
		}
		return append(old, "+x"...), nil
	})
	return given, err
}

// casID returns the CAS id of the one document.
func (m *memcachedServer) casID() string {
	m.t.Helper()
	fields := strings.Fields(m.Say("gets "+m.item(true), "END")[0])
	return fields[len(fields)-1]
}

// The third history of the design: after a restart the CAS ids start again, so
// that the CAS id which an update has read is that of another document.
func TestMemcachedRestartDuringUpdate(t *testing.T) {
	m := startMemcached(t)
	s, other := m.open(), m.open()
	put(t, s, "old")
	seen := m.casID()
	given, err := appendDuring(t, s, func() {
		m.Restart()
		put(t, other, "new")
		want(t, s, "new") // by a connection to the new server, which the update then uses too
	})
	if again := m.casID(); err == nil && again == seen {
		t.Fatalf("after the update the CAS id is still %s", again)
	}
	if err != nil || fmt.Sprint(given) != "[old new]" {
		t.Fatalf("f was given %q (%v)", given, err)
	}
	want(t, other, "new+x")

	// The danger was real: the other document had the CAS id that was seen.
	m.Restart()
	put(t, other, "new")
	if again := m.casID(); again != seen {
		t.Fatalf("the CAS ids do not start again: %s and then %s", seen, again)
	}
}

func TestMemcachedForgetsDuringUpdate(t *testing.T) {
	m := startMemcached(t)
	s := m.open()
	for _, test := range []struct {
		name, before string
		things       func()
		given, after string
	}{
		{"restart", "old", m.Restart, "[old ]", "+x"},
		{"restart of an absent document", "", m.Restart, "[]", "+x"},
		{"flush", "old", m.Flush, "[old ]", "+x"},
		{"flush and another document", "old", func() { m.Flush(); put(t, m.open(), "new") }, "[old new]", "new+x"},
		{"flush in an epoch without document", "evicted", m.Flush, "[ ]", "+x"},
		{"flush there, and another document", "evicted", func() { m.Flush(); put(t, m.open(), "new") }, "[ new]", "new+x"},
		{"eviction", "old", func() { m.Say("delete "+m.item(true), "DELETED") }, "[old ]", "+x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m.Restart()
			if test.before != "" {
				put(t, s, test.before)
			}
			if test.before == "evicted" {
				m.Say("delete "+m.item(true), "DELETED")
				want(t, s, "")
			}
			given, err := appendDuring(t, s, test.things)
			if err != nil || fmt.Sprint(given) != test.given {
				t.Fatalf("f was given %q (%v), want %s", given, err, test.given)
			}
			want(t, s, test.after)
			want(t, m.open(), test.after)
		})
	}
}

func TestMemcachedForgetsBetweenUpdates(t *testing.T) {
	m := startMemcached(t)
	s := m.open()
	for _, forget := range []func(){m.Flush, m.Restart} {
		put(t, s, "old")
		forget()
		want(t, s, "")
		put(t, s, "new")
		want(t, m.open(), "new")
	}
}

// While a memcached forgets again and again, each update finds what came after
// the last time, or nothing: never a document from before.
func TestMemcachedForgetsAgainAndAgain(t *testing.T) {
	m := startMemcached(t)
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for i := range 4 {
		s := m.open()
		writers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				err := s.Update(t.Context(), "n", "append", func(old []byte) ([]byte, error) {
					return fmt.Appendf(old, "%d:%d\n", i, n), nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	reader, newest := m.open(), ""
	for round := range 50 {
		m.Flush()
		mark := fmt.Sprintf("round %d\n", round)
		if err := reader.Update(t.Context(), "n", "mark", func(old []byte) ([]byte, error) { return append(old, mark...), nil }); err != nil {
			t.Fatal(err)
		}
		doc, err := reader.Get(t.Context(), "n")
		if err != nil || newest != "" && bytes.Contains(doc, []byte(newest)) {
			t.Fatalf("%s: the document is from before the last flush: %v\n%s", mark, err, doc)
		}
		newest = mark
	}
	close(stop)
	writers.Wait()
}

func TestMemcachedProcessesLoseNoIncrement(t *testing.T) {
	m := startMemcached(t)
	var all sync.WaitGroup
	for range 8 {
		cmd := children.Command(t, "increment", "memcached://"+m.Address, "100")
		all.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	all.Wait()
	want(t, m.open(), "800")
	if keys := m.Keys(); len(keys) != 2 {
		t.Errorf("besides the pointer and the document there are items: %q", keys)
	}
}

// A memcached that was down is no reason to fail once it is up again.
func TestMemcachedComesBack(t *testing.T) {
	m := startMemcached(t)
	s := m.open()
	put(t, s, "old")
	m.Kill()
	err := s.Update(t.Context(), "n", "put", func([]byte) ([]byte, error) {
		t.Error("f was called")
		return nil, nil
	})
	if !errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, store.ErrUnknown) || !strings.Contains(err.Error(), m.Address) {
		t.Errorf("Update: %v, want a refusal that names the server", err)
	}
	if _, err := s.Get(t.Context(), "n"); !errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	m.Up()
	put(t, s, "new")
	want(t, s, "new")
}

// The goroutines of one Store wait for one another rather than start again.
func TestMemcachedGoroutinesDoNotFight(t *testing.T) {
	s := startMemcached(t).open()
	var all sync.WaitGroup
	var calls atomic.Int64
	for range 8 {
		all.Go(func() {
			for range 50 {
				err := s.Update(t.Context(), "n", "increment", func(old []byte) ([]byte, error) {
					calls.Add(1)
					return increment(old)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	want(t, s, "400")
	if calls.Load() != 400 {
		t.Errorf("f was called %d times for 400 updates", calls.Load())
	}
}
