package storetest

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/clmgr/clmgr/pkg/store"
)

// likeAMap does what comes to mind on two Stores of one backing and on a map,
// and wants them to agree.
func likeAMap(t *testing.T, open func() store.Store) {
	stores := []store.Store{open(), open()}
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++ // fresh keys each round, since the backing stays
		base := fmt.Sprintf("storetest/%s/%d/", t.Name(), round)
		keys := rapid.SliceOfN(rapid.String(), 1, 4).Draw(rt, "keys")
		m := &model{ctx: t, base: base, docs: map[string]string{}}
		rt.Repeat(map[string]func(*rapid.T){
			"set": func(rt *rapid.T) { m.step(rt, stores, keys, setDocument) },
			"add": func(rt *rapid.T) { m.step(rt, stores, keys, appendToDocument) },
			"no":  func(rt *rapid.T) { m.step(rt, stores, keys, giveUp) },
			"":    func(rt *rapid.T) { m.check(rt, stores) },
		})
	})
}

// model is what the documents under base must be.
type model struct {
	ctx  *testing.T
	base string
	docs map[string]string
}

// A transition computes the next document from the old one and a drawn text.
type transition func(old []byte, text string) ([]byte, error)

func setDocument(_ []byte, text string) ([]byte, error)        { return []byte(text), nil }
func appendToDocument(old []byte, text string) ([]byte, error) { return append(old, text...), nil }
func giveUp([]byte, string) ([]byte, error)                    { return nil, errStop }

func (m *model) step(rt *rapid.T, stores []store.Store, keys []string, next transition) {
	s := rapid.SampledFrom(stores).Draw(rt, "store")
	k := m.base + rapid.SampledFrom(keys).Draw(rt, "key")
	text := rapid.StringN(0, 20, -1).Draw(rt, "text")
	old, exists := m.docs[k]
	given := []byte(nil)
	err := s.Update(m.ctx.Context(), k, "step", func(doc []byte) ([]byte, error) {
		given = append(given[:0], doc...)
		return next(doc, text)
	})
	if string(given) != old {
		rt.Fatalf("f was given %q, want %q", given, old)
	}
	fresh, stop := next([]byte(old), text)
	switch {
	case stop != nil:
		if !errors.Is(err, errStop) {
			rt.Fatalf("Update: %v, want the error of f", err)
		}
	case len(fresh) == 0 && exists:
		if err == nil {
			rt.Fatal("a document was made empty")
		}
	case err != nil:
		rt.Fatal(err)
	case len(fresh) > 0:
		m.docs[k] = string(fresh)
	}
	if _, exists := m.docs[k]; !exists {
		if _, err := s.Get(m.ctx.Context(), k); !errors.Is(err, store.ErrNotFound) {
			rt.Fatalf("Get of an absent document: %v", err)
		}
	}
}

func (m *model) check(rt *rapid.T, stores []store.Store) {
	for k, doc := range m.docs {
		for _, s := range stores {
			if got, err := s.Get(m.ctx.Context(), k); err != nil || string(got) != doc {
				rt.Fatalf("document %q is %q (%v), want %q", k, got, err, doc)
			}
		}
	}
}
