package store_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/store"
)

// silent is a port that takes connections and says nothing, or drops them.
type silent struct {
	address string
	open    atomic.Int64 // connections that their clients have not closed
}

func startSilent(t *testing.T, reset bool) *silent {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &silent{address: listener.Addr().String()}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if reset {
				_ = conn.(*net.TCPConn).SetLinger(0)
				conn.Close()
				continue
			}
			s.open.Add(1)
			go func() {
				_, _ = io.Copy(io.Discard, conn)
				conn.Close()
				s.open.Add(-1)
			}()
		}
	}()
	return s
}

// both does a Get and an Update whose f must not be called.
func both(t *testing.T, ctx context.Context, s store.Store) map[string]error {
	t.Helper()
	_, get := s.Get(ctx, "n")
	update := s.Update(ctx, "n", "put", func([]byte) ([]byte, error) {
		t.Error("f was called")
		return []byte("1"), nil
	})
	return map[string]error{"Get": get, "Update": update}
}

func TestMemcachedSilence(t *testing.T) {
	m := startMemcached(t)
	put(t, m.open(), "old")
	m.freeze()
	for name, address := range map[string]string{"frozen": m.Address, "says nothing": startSilent(t, false).address} {
		t.Run(name, func(t *testing.T) {
			for what, err := range both(t, t.Context(), openMemcachedAt(t, address, store.Options{Timeout: 100 * time.Millisecond})) {
				if !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, store.ErrUnknown) || errors.Is(err, context.DeadlineExceeded) ||
					!strings.Contains(err.Error(), "no answer within 100ms") {
					t.Errorf("%s: %v, want no answer within 100ms", what, err)
				}
			}
			// The context ends a call long before its time.
			patient := openMemcachedAt(t, address, store.Options{Timeout: time.Hour})
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			for what, err := range both(t, ctx, patient) {
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, store.ErrUnknown) {
					t.Errorf("%s: %v, want the end of the context", what, err)
				}
			}
		})
	}
	m.thaw()
	want(t, m.open(), "old")
}

func TestMemcachedReset(t *testing.T) {
	s := openMemcachedAt(t, startSilent(t, true).address, store.Options{})
	for what, err := range both(t, t.Context(), s) {
		if err == nil || errors.Is(err, store.ErrUnknown) || errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// What a context has ended leaves no connection behind.
func TestMemcachedSilenceLeavesNothing(t *testing.T) {
	quiet := startSilent(t, false)
	s := openMemcachedAt(t, quiet.address, store.Options{Timeout: time.Hour})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if _, err := s.Get(ctx, "n"); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for end := time.Now().Add(20 * time.Second); quiet.open.Load() > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d connections are left", quiet.open.Load())
		}
	}
}

// A memcached that freezes when an update is under way.
func TestMemcachedFrozenDuringUpdate(t *testing.T) {
	m := startMemcached(t)
	for _, ends := range []bool{false, true} {
		put(t, m.open(), "old")
		opts := store.Options{Timeout: 200 * time.Millisecond}
		if ends {
			opts.Timeout = time.Hour
		}
		ctx, cancel := context.WithCancel(t.Context())
		timer := time.AfterFunc(time.Hour, cancel)
		err := openMemcachedAt(t, m.Address, opts).Update(ctx, "n", "put", func([]byte) ([]byte, error) {
			m.freeze()
			if ends {
				timer.Reset(200 * time.Millisecond)
			}
			return []byte("new"), nil
		})
		cancel()
		if !errors.Is(err, store.ErrUnknown) || ends != errors.Is(err, context.Canceled) {
			t.Errorf("Update: %v, want ErrUnknown, and the end of the context: %v", err, ends)
		}
		m.thaw()
		// The request lay in the server's socket all the time, and is done some
		// time after it goes on.
		direct := m.open()
		for deadline := time.Now().Add(30 * time.Second); ; {
			if doc, err := direct.Get(t.Context(), "n"); err != nil || string(doc) == "new" || time.Now().After(deadline) {
				want(t, direct, "new")
				break
			}
		}
	}
}

// What is no memcached is told to be none.
func TestMemcachedOfAnotherKind(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "SSH-2.0-OpenSSH_9.2p1\r\n")
			conn.Close()
		}
	}()
	for what, err := range both(t, t.Context(), openMemcachedAt(t, listener.Addr().String(), store.Options{})) {
		if err == nil || errors.Is(err, store.ErrUnknown) || errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
