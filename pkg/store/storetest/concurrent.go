package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/store"
)

// increment adds one to the number in a document.
func increment(old []byte) ([]byte, error) {
	n := 0
	if old != nil {
		var err error
		if n, err = strconv.Atoi(string(old)); err != nil {
			return nil, err
		}
	}
	return strconv.AppendInt(nil, int64(n)+1, 10), nil
}

// incrementAll lets every Store increment the document times times, all at
// once, and checks that none is lost.
func incrementAll(t *testing.T, stores []store.Store, times int) {
	t.Helper()
	k := key(t, "n")
	var all sync.WaitGroup
	for _, s := range stores {
		all.Go(func() {
			for range times {
				if err := s.Update(t.Context(), k, "increment", increment); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	want(t, stores[0], k, strconv.Itoa(len(stores)*times))
}

func manyGoroutines(t *testing.T, open func() store.Store) {
	s := open()
	incrementAll(t, []store.Store{s, s, s, s, s, s, s, s}, 100)
}

func manyStores(t *testing.T, open func() store.Store) {
	a, b := open(), open()
	incrementAll(t, []store.Store{a, b, a, b, open(), open()}, 50)
}

// heldUpdate starts an Update whose f waits in its first call. It returns when
// f was called; release lets f go on and gives the error of the Update.
func heldUpdate(t *testing.T, s store.Store, key string, f func([]byte) ([]byte, error)) (release func() error) {
	t.Helper()
	entered, held, result := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var once sync.Once
	letGo := sync.OnceFunc(func() { close(held) })
	t.Cleanup(letGo)
	go func() {
		result <- s.Update(t.Context(), key, "held", func(old []byte) ([]byte, error) {
			once.Do(func() { close(entered); <-held })
			return f(old)
		})
	}()
	soon(t, "the first call of f", func() {
		select {
		case <-entered:
		case <-t.Context().Done():
		}
	})
	return func() error { letGo(); return <-result }
}

func readerDuringUpdate(t *testing.T, open func() store.Store) {
	s, k := open(), key(t, "k")
	put(t, s, k, "old")
	release := heldUpdate(t, s, k, to("new"))
	soon(t, "Get during an Update", func() { want(t, s, k, "old"); want(t, open(), k, "old") })
	if err := release(); err != nil {
		t.Fatal(err)
	}
	want(t, s, k, "new")
}

// A driver may let the second writer wait or let the first one start again;
// neither change may be lost, and the wait ends with its context.
func writerDuringUpdate(t *testing.T, open func() store.Store) {
	s, k := open(), key(t, "n")
	put(t, s, k, "10")
	release := heldUpdate(t, s, k, increment)
	second := 0
	soon(t, "an Update whose time is up", func() {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := open().Update(ctx, k, "second", increment)
		if err == nil {
			second = 1
		} else if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	if err := release(); err != nil {
		t.Fatal(err)
	}
	want(t, s, k, strconv.Itoa(11+second))

	// A writer that is waiting goes on when the first has finished.
	release = heldUpdate(t, s, k, increment)
	third := make(chan error, 1)
	go func() { third <- open().Update(t.Context(), k, "third", increment) }()
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if err := <-third; err != nil {
		t.Fatal(err)
	}
	want(t, s, k, strconv.Itoa(13+second))
}

func cancelledBefore(t *testing.T, open func() store.Store) {
	s, k := open(), key(t, "k")
	put(t, s, k, "1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Get(ctx, k); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: %v", err)
	}
	err := s.Update(ctx, k, "too late", func([]byte) ([]byte, error) {
		t.Error("f was called")
		return []byte("2"), nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Update: %v", err)
	}
	want(t, s, k, "1")
}

// Once f has returned, a cancelled Update may still have been done, but it must
// say what is true.
func cancelledInF(t *testing.T, open func() store.Store) {
	s := open()
	for i := range 20 {
		k := key(t, fmt.Sprint(i))
		put(t, s, k, "old")
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Update(ctx, k, "cancelled", func([]byte) ([]byte, error) {
			cancel()
			return []byte("new"), nil
		})
		switch {
		case err == nil:
			want(t, s, k, "new")
		case !errors.Is(err, context.Canceled):
			t.Fatal(err)
		case !errors.Is(err, store.ErrUnknown):
			want(t, s, k, "old")
		}
	}
}
