package store_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/clmgr/clmgr/internal/memcachedtest"
	"github.com/clmgr/clmgr/pkg/store"
	"github.com/clmgr/clmgr/pkg/store/storetest"
)

const testKey = "a key of the tests only"

// memcachedServer is a real memcached of one test.
type memcachedServer struct {
	*memcachedtest.Server
	t testing.TB
}

// startMemcached starts a memcached on a free port of the loopback.
func startMemcached(t testing.TB, args ...string) *memcachedServer {
	t.Helper()
	return &memcachedServer{memcachedtest.Start(t, "127.0.0.1", args...), t}
}

// freeze returns when all threads of the memcached stand still.
func (m *memcachedServer) freeze() {
	m.t.Helper()
	m.signal(syscall.SIGSTOP)
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(m.Process().Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		m.t.Fatalf("the memcached is not stopped: %v (%v)", status, err)
	}
}

func (m *memcachedServer) thaw() { m.t.Helper(); m.signal(syscall.SIGCONT) }

func (m *memcachedServer) signal(s syscall.Signal) {
	m.t.Helper()
	if err := m.Process().Signal(s); err != nil {
		m.t.Fatal(err)
	}
}

// open returns a Store on the memcached.
func (m *memcachedServer) open() store.Store { return openMemcachedAt(m.t, m.Address, store.Options{}) }

func openMemcachedAt(t testing.TB, address string, opts store.Options) store.Store {
	t.Helper()
	if opts.SigningKey == nil {
		opts.SigningKey = []byte(testKey)
	}
	s, err := store.Open(t.Context(), "memcached://"+address, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// item returns the key of the one item that is a pointer or a document.
func (m *memcachedServer) item(document bool) string {
	m.t.Helper()
	var found []string
	for _, key := range m.Keys() {
		if (strings.Count(key, ":") == 3) == document {
			found = append(found, key)
		}
	}
	if len(found) != 1 {
		m.t.Fatalf("want one item (document: %v), got %q", document, found)
	}
	return found[0]
}

func TestMemcachedSuite(t *testing.T) {
	m := startMemcached(t)
	storetest.Run(t, func(*testing.T) func() store.Store { return m.open })
}
