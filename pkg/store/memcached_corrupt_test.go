package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/clmgr/clmgr/pkg/store"
)

// raw returns an item as the memcached has it.
func (m *memcachedServer) raw(key string) *memcache.Item {
	m.t.Helper()
	item, err := memcache.New(m.Address).Get(key)
	if err != nil {
		m.t.Fatal(err)
	}
	return item
}

// set overwrites an item, as we never do.
func (m *memcachedServer) set(key string, flags uint32, value []byte) {
	m.t.Helper()
	if err := memcache.New(m.Address).Set(&memcache.Item{Key: key, Flags: flags, Value: value}); err != nil {
		m.t.Fatal(err)
	}
}

// What is under our keys and is not ours is neither read nor overwritten, but copied.
func TestMemcachedGarbage(t *testing.T) {
	m := startMemcached(t)
	for _, document := range []bool{false, true} {
		for _, test := range []struct {
			name  string
			flags uint32
			value func(whole []byte) []byte
			says  string
		}{
			{"empty", 1, func([]byte) []byte { return nil }, "has only 0 bytes"},
			{"text", 1, func([]byte) []byte { return bytes.Repeat([]byte("hello "), 20) }, "wrong signature; is store_key the same"},
			{"other flags", 2, func(whole []byte) []byte { return whole }, "has the flags 2"},
			{"no flags", 0, func([]byte) []byte { return []byte("hello") }, "did somebody else write it"},
			{"cut", 1, func(whole []byte) []byte { return whole[:len(whole)-1] }, "wrong signature"},
			{"longer", 1, func(whole []byte) []byte { return append(whole, 'x') }, "wrong signature"},
			{"one bit", 1, func(whole []byte) []byte { whole[len(whole)-1] ^= 1; return whole }, "wrong signature"},
		} {
			t.Run(fmt.Sprintf("%s, document %v", test.name, document), func(t *testing.T) {
				m.Flush()
				s, folder := m.openAside(t)
				put(t, s, "old")
				wantAside(t, folder)
				key := m.item(document)
				value := test.value(m.raw(key).Value)
				m.set(key, test.flags, value)
				m.wantCorrupt(s, test.says)
				if item := m.raw(key); item.Flags != test.flags || !bytes.Equal(item.Value, value) {
					t.Errorf("it was overwritten")
				}
				wantAside(t, folder, value)
			})
		}
	}
}

// wantCorrupt checks that document n is told to be corrupt and what to check.
func (m *memcachedServer) wantCorrupt(s store.Store, says string) {
	m.t.Helper()
	_, err := s.Get(m.t.Context(), "n")
	updateErr := s.Update(m.t.Context(), "n", "put", func([]byte) ([]byte, error) {
		m.t.Error("f was called")
		return []byte("new"), nil
	})
	for _, err := range []error{err, updateErr} {
		if !errors.Is(err, store.ErrCorrupt) || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrUnknown) {
			m.t.Errorf("%v, want ErrCorrupt", err)
		} else if text := err.Error(); !strings.Contains(text, says) || !strings.Contains(text, m.Address) || strings.Contains(text, testKey) {
			m.t.Errorf("%q does not say %q and where", text, says)
		}
	}
}

func TestMemcachedWrongKey(t *testing.T) {
	m := startMemcached(t)
	put(t, m.open(), "old")
	m.wantCorrupt(openMemcachedAt(t, m.Address, store.Options{SigningKey: []byte("another key of the tests")}), "is store_key the same on all managers")
	want(t, m.open(), "old")
}

// A signed item is good in its own place only.
func TestMemcachedMovedItems(t *testing.T) {
	m := startMemcached(t)
	s := m.open()
	put(t, s, "of the first epoch")
	first := m.raw(m.item(true))
	m.Flush()
	put(t, s, "of the second epoch")
	m.set(m.item(true), first.Flags, first.Value)
	m.wantCorrupt(s, "wrong signature")

	// Pointer and document together, to the place of another prefix.
	m.Flush()
	put(t, s, "old")
	for _, key := range []string{m.item(false), m.item(true)} {
		item := m.raw(key)
		m.set("other"+strings.TrimPrefix(key, "clmgr"), item.Flags, item.Value)
	}
	m.wantCorrupt(openMemcachedAt(t, m.Address+"/other", store.Options{}), "wrong signature")

	// And to that of another document.
	m.Flush()
	put(t, s, "old")
	pointer, document := m.item(false), m.item(true)
	if err := s.Update(t.Context(), "other", "put", func([]byte) ([]byte, error) { return []byte("other"), nil }); err != nil {
		t.Fatal(err)
	}
	for _, key := range m.Keys() {
		if rest, found := strings.CutPrefix(key, "clmgr:other:"); found {
			item, to := m.raw(key), pointer
			if strings.Contains(rest, ":") {
				to = document
			}
			m.set(to, item.Flags, item.Value)
		}
	}
	m.wantCorrupt(s, "wrong signature")
}

func TestMemcachedPrefixesAreApart(t *testing.T) {
	m := startMemcached(t)
	a, b := m.open(), openMemcachedAt(t, m.Address+"/other", store.Options{})
	put(t, a, "a")
	want(t, b, "")
	put(t, b, "b")
	want(t, a, "a")
	want(t, b, "b")
}

// incompressible returns size bytes.
func incompressible(size int) []byte {
	doc := make([]byte, size)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(doc)
	return doc
}

func TestMemcachedTooLarge(t *testing.T) {
	for _, test := range []struct {
		name    string
		args    []string
		maxSize int64
		fits    int
		too     int
		says    string
	}{
		{"the default limit", nil, 0, 1_000_000, 1 << 20, "1048576 bytes, 1048"},
		{"far over it", nil, 0, 1_000_000, 5 << 20, "5242880 bytes, 524"},
		{"a higher limit", []string{"-I", "4m"}, 0, 4_000_000, 4 << 20, "-I"},
		{"our limit", nil, 1000, 1000, 1001, "1001 bytes, the limit is 1000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := startMemcached(t, test.args...)
			s := openMemcachedAt(t, m.Address, store.Options{MaxSize: test.maxSize})
			update := func(doc []byte) error {
				return s.Update(t.Context(), "n", "put", func([]byte) ([]byte, error) { return doc, nil })
			}
			refused := func(before []byte) {
				err := update(incompressible(test.too))
				if !errors.Is(err, store.ErrTooLarge) || errors.Is(err, store.ErrUnknown) || !strings.Contains(err.Error(), test.says) {
					t.Errorf("Update: %.300v, want ErrTooLarge with %q", err, test.says)
				}
				if got, err := s.Get(t.Context(), "n"); !bytes.Equal(got, before) || before == nil != errors.Is(err, store.ErrNotFound) {
					t.Errorf("afterwards the document has %d bytes (%v), want %d", len(got), err, len(before))
				}
			}
			refused(nil)
			fits := incompressible(test.fits)
			if err := update(fits); err != nil {
				t.Fatal(err)
			}
			refused(fits)
		})
	}
}

// A small item of somebody who has the key may hold a large document.
func TestMemcachedLargerThanTheReaderTakes(t *testing.T) {
	m := startMemcached(t)
	put(t, m.open(), strings.Repeat("x", 8<<20))
	small := openMemcachedAt(t, m.Address, store.Options{MaxSize: 1000})
	if _, err := small.Get(t.Context(), "n"); !errors.Is(err, store.ErrTooLarge) || !strings.Contains(err.Error(), "holds 8388608 bytes, the limit is 1000") {
		t.Errorf("Get: %v", err)
	}
	err := small.Update(t.Context(), "n", "put", func([]byte) ([]byte, error) { t.Error("f was called"); return []byte("new"), nil })
	if !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("Update: %v", err)
	}
}

// Without CAS ids the server takes every cas, which would lose updates.
func TestMemcachedWithoutCAS(t *testing.T) {
	m := startMemcached(t, "-C")
	s := m.open()
	first := s.Update(t.Context(), "n", "put", func([]byte) ([]byte, error) { return []byte("1"), nil })
	second := s.Update(t.Context(), "n", "put", func([]byte) ([]byte, error) { return []byte("2"), nil })
	_, get := s.Get(t.Context(), "n")
	for _, err := range []error{second, get} {
		if err == nil || !strings.Contains(err.Error(), "started with -C") {
			t.Errorf("%v (the first update: %v)", err, first)
		}
	}
}

func TestMemcachedFull(t *testing.T) {
	m := startMemcached(t, "-m", "2", "-M") // -M: an error instead of evictions
	s := m.open()
	old := incompressible(900 << 10)
	put := func(key string, doc []byte) error {
		return s.Update(t.Context(), key, "fill", func([]byte) ([]byte, error) { return doc, nil })
	}
	if err := put("0", old); err != nil {
		t.Fatal(err)
	}
	var err error
	for i := 1; i < 100 && err == nil; i++ {
		err = put(fmt.Sprint(i), old)
	}
	for _, err := range []error{err, put("0", incompressible(1000<<10))} {
		if err == nil || errors.Is(err, store.ErrUnknown) || errors.Is(err, store.ErrTooLarge) || !strings.Contains(err.Error(), "is full") {
			t.Errorf("a full memcached: %v", err)
		}
	}
	if got, err := s.Get(t.Context(), "0"); err != nil || !bytes.Equal(got, old) {
		t.Errorf("afterwards the document has %d bytes (%v), want %d", len(got), err, len(old))
	}
}
