package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/clmgr/clmgr/pkg/store"
)

// What became of a write whose answer got lost is found out where that can be.
func TestMemcachedLostAnswers(t *testing.T) {
	m := startMemcached(t)
	direct := m.open()
	others := func(times int) {
		for i := range times {
			err := direct.Update(t.Context(), "n", "other", func(old []byte) ([]byte, error) { return fmt.Append(old, "+", i), nil })
			if err != nil {
				t.Error(err)
			}
		}
	}
	var late *request
	for _, test := range []struct {
		name   string
		decide func(n int, r *request)
		calls  int
		adds   string // what is added to the document in the end
		want   error
	}{
		{"stored, and cut", func(n int, r *request) { r.swallow() }, 1, "+x", nil},
		{"cut before it was stored", func(n int, r *request) {
			if n == 1 {
				r.drop()
			}
		}, 1, "+x", nil},
		{"cut before it was stored, always", func(n int, r *request) { r.drop() }, 1, "", store.ErrUnknown},
		{"stored on the second time only, and cut", func(n int, r *request) {
			if n == 1 {
				r.drop()
			} else {
				r.swallow()
			}
		}, 1, "+x", nil},
		{"stored, cut, and somebody else was next", func(n int, r *request) { r.swallow(); others(2) }, 1, "+x+0+1", nil},
		{"cut, and somebody else was faster", func(n int, r *request) {
			if n == 1 {
				r.drop()
				others(2)
			}
		}, 2, "+0+1+x", nil},
		{
			"stored, cut, and changed too often", func(n int, r *request) { r.swallow(); others(16) }, 1,
			"+x+0+1+2+3+4+5+6+7+8+9+10+11+12+13+14+15", store.ErrUnknown,
		},
		{"cut, and it arrives late", func(n int, r *request) {
			if n == 1 {
				late = r
				r.drop()
			}
		}, 1, "+x", nil},
		{"cut, and it arrives while it is sent again", func(n int, r *request) {
			if n == 1 {
				late = r
				r.drop()
			} else {
				late.forward()
			}
		}, 1, "+x", nil},
		{"stored, cut, and forgotten", func(n int, r *request) {
			if n == 1 {
				r.swallow()
				m.Flush()
			}
		}, 2, "=+x", nil},
		{"stored, cut, forgotten, and changed often since", func(n int, r *request) {
			if n == 1 {
				r.swallow()
				m.Flush()
				others(16)
			}
		}, 2, "=+0+1+2+3+4+5+6+7+8+9+10+11+12+13+14+15+x", nil},
		{"cut, evicted, and somebody else began anew", func(n int, r *request) {
			if n == 1 {
				r.drop()
				for _, key := range m.Keys() {
					if strings.Count(key, ":") == 3 {
						m.Say("delete "+key, "DELETED")
					}
				}
				others(1)
			}
		}, 2, "=+0+x", nil},
	} {
		for _, before := range []string{"", "old"} {
			t.Run(fmt.Sprintf("%s, before %q", test.name, before), func(t *testing.T) {
				m.Flush()
				p := startProxy(t, m)
				s := openMemcachedAt(t, p.address, store.Options{})
				if before != "" {
					for range 20 { // so that the trail does not lead back to the beginning
						put(t, direct, "older")
						put(t, direct, before)
					}
				}
				late = nil
				p.onWrite(test.decide)
				given, err := appendDuring(t, s, func() {})
				if !errors.Is(err, test.want) || len(given) != test.calls {
					t.Errorf("Update: %v after f was given %q; want %v after %d calls", err, given, test.want, test.calls)
				}
				p.on(func(*request) {})
				if late != nil {
					late.forward()
				}
				after := before + test.adds
				if forgotten, found := strings.CutPrefix(test.adds, "="); found {
					after = forgotten
				}
				want(t, direct, after)
				want(t, s, after)
			})
		}
	}
}

// When nothing can be read again the outcome stays unknown, and both may be true.
func TestMemcachedGoneAfterTheRequest(t *testing.T) {
	for _, isStored := range []bool{false, true} {
		t.Run(fmt.Sprint(isStored), func(t *testing.T) {
			m := startMemcached(t)
			put(t, m.open(), "old")
			p := startProxy(t, m)
			s := openMemcachedAt(t, p.address, store.Options{})
			gone := false
			p.on(func(r *request) {
				if r.verb == "cas" && isStored {
					r.forward()
				}
				gone = gone || r.verb == "cas"
				r.cut = gone
			})
			_, err := appendDuring(t, s, func() {})
			if !errors.Is(err, store.ErrUnknown) {
				t.Errorf("Update: %v, want ErrUnknown", err)
			}
			after := "old"
			if isStored {
				after += "+x"
			}
			want(t, m.open(), after)
		})
	}
}

// A pointer that is cut away has changed no document.
func TestMemcachedLostAnswerOfThePointer(t *testing.T) {
	m := startMemcached(t)
	p := startProxy(t, m)
	s := openMemcachedAt(t, p.address, store.Options{})
	first := true
	p.on(func(r *request) {
		if r.verb == "add" && first {
			first = false
			r.swallow()
		}
	})
	if _, err := appendDuring(t, s, func() {}); err != nil && errors.Is(err, store.ErrUnknown) {
		t.Errorf("Update: %v", err)
	}
	put(t, s, "next")
	want(t, m.open(), "next")
}

// However often connections are cut, no increment that was told to be stored is
// lost and none is stored twice.
func TestMemcachedCutAtRandom(t *testing.T) {
	m := startMemcached(t)
	p := startProxy(t, m)
	p.on(func(r *request) {
		switch rand.IntN(12) {
		case 0:
			r.drop()
		case 1:
			r.swallow()
		}
	})
	var done, unknown, failed atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		s := openMemcachedAt(t, p.address, store.Options{})
		all.Go(func() {
			for range 100 {
				switch err := s.Update(t.Context(), "n", "increment", increment); {
				case err == nil:
					done.Add(1)
				case errors.Is(err, store.ErrUnknown):
					unknown.Add(1)
				default:
					failed.Add(1)
				}
			}
		})
	}
	all.Wait()
	doc, err := m.open().Get(t.Context(), "n")
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(string(doc), 10, 64)
	if err != nil || n < done.Load() || n > done.Load()+unknown.Load() {
		t.Errorf("%s increments, but %d were stored and %d are unknown", doc, done.Load(), unknown.Load())
	}
	if done.Load() < 200 {
		t.Errorf("only %d of 400 increments were stored", done.Load())
	}
	t.Logf("%d stored, %d unknown, %d failed", done.Load(), unknown.Load(), failed.Load())
}
