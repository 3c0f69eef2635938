package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/pkg/store"
)

func absent(t *testing.T, open func() store.Store) {
	s, k := open(), key(t, "k")
	wantAbsent(t, s, k)
	called := false
	err := s.Update(t.Context(), k, "look", func(old []byte) ([]byte, error) {
		called = true
		if old != nil {
			t.Errorf("f was given %s for an absent document, want nil", short(old))
		}
		return nil, nil
	})
	if err != nil || !called {
		t.Fatalf("Update: error %v, f called: %v", err, called)
	}
	wantAbsent(t, s, k)
}

func createAndModify(t *testing.T, open func() store.Store) {
	s, k := open(), key(t, "k")
	put(t, s, k, `{"n":1}`)
	want(t, s, k, `{"n":1}`)
	err := s.Update(t.Context(), k, "modify", func(old []byte) ([]byte, error) {
		if string(old) != `{"n":1}` {
			t.Errorf("f was given %s", short(old))
		}
		return append(old, "\n{}"...), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want(t, s, k, "{\"n\":1}\n{}")
	want(t, open(), k, "{\"n\":1}\n{}")
	put(t, s, k, "0") // a shorter document leaves nothing of the longer one
	want(t, s, k, "0")
	wantAbsent(t, s, key(t, "other"))
}

func copies(t *testing.T, open func() store.Store) {
	s, k := open(), key(t, "k")
	mine := []byte("aaaa")
	if err := s.Update(t.Context(), k, "put", func([]byte) ([]byte, error) { return mine, nil }); err != nil {
		t.Fatal(err)
	}
	copy(mine, "zzzz")
	want(t, s, k, "aaaa")
	got, err := s.Get(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	copy(got, "YYYY")
	want(t, s, k, "aaaa")
	// Changing the given slice in place is a change like any other.
	err = s.Update(t.Context(), k, "in place", func(old []byte) ([]byte, error) {
		copy(old, "bbbb")
		return old, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want(t, s, k, "bbbb")
	// And one that was changed but not returned is no change.
	err = s.Update(t.Context(), k, "scribble", func(old []byte) ([]byte, error) {
		copy(old, "cccc")
		return nil, errStop
	})
	if !errors.Is(err, errStop) {
		t.Fatal(err)
	}
	want(t, s, k, "bbbb")
}

func noChange(t *testing.T, open func() store.Store) {
	s, k := open(), key(t, "k")
	put(t, s, k, "same")
	for range 3 {
		if err := s.Update(t.Context(), k, "nothing", func(old []byte) ([]byte, error) { return old, nil }); err != nil {
			t.Fatal(err)
		}
		put(t, s, k, "same")
	}
	want(t, s, k, "same")
}

func errorOfF(t *testing.T, open func() store.Store) {
	s, k := open(), key(t, "k")
	fail := func([]byte) ([]byte, error) { return []byte("half done"), errStop }
	check := func() {
		t.Helper()
		err := s.Update(t.Context(), k, "claim 7", fail)
		if !errors.Is(err, errStop) || errors.Is(err, store.ErrUnknown) {
			t.Fatalf("Update: %v, want the error of f", err)
		}
		if text := err.Error(); !strings.Contains(text, "claim 7") || !strings.Contains(text, fmt.Sprintf("%q", k)) {
			t.Errorf("the error %q names not both the transition and the key", text)
		}
	}
	check()
	wantAbsent(t, s, k)
	put(t, s, k, "1")
	check()
	want(t, s, k, "1")
}

func panicOfF(t *testing.T, open func() store.Store) {
	s, k := open(), key(t, "k")
	put(t, s, k, "1")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = s.Update(t.Context(), k, "panic", func([]byte) ([]byte, error) { panic("f") })
	}()
	want(t, s, k, "1")
	soon(t, "an Update after a panic", func() {
		if err := open().Update(t.Context(), k, "next", to("2")); err != nil {
			t.Error(err)
		}
	})
	want(t, s, k, "2")
}

func emptyDocuments(t *testing.T, open func() store.Store) {
	s, k := open(), key(t, "k")
	put(t, s, k, "")
	wantAbsent(t, s, k)
	put(t, s, k, "1")
	for _, empty := range [][]byte{nil, {}} {
		if err := s.Update(t.Context(), k, "empty", func([]byte) ([]byte, error) { return empty, nil }); err == nil {
			t.Fatal("a document was made empty")
		}
		want(t, s, k, "1")
	}
	if _, err := s.Get(t.Context(), ""); err == nil || errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get of the empty key: %v", err)
	}
	if err := s.Update(t.Context(), "", "no key", to("1")); err == nil {
		t.Error("Update took the empty key")
	}
}

func bigDocuments(t *testing.T, open func() store.Store) {
	s, k := open(), key(t, "k")
	// Four megabytes of what a status is made of: a driver with a smaller
	// limit can compress it.
	var doc bytes.Buffer
	for i := 0; doc.Len() < 4<<20; i++ {
		fmt.Fprintf(&doc, "{\"10.0.%d.%d\":{\"name\":\"node%d\",\"state\":\"running\",\"code\":\"000000\"}}\n", i/250%250, i%250, i)
	}
	put(t, s, k, doc.String())
	want(t, open(), k, doc.String())
	put(t, s, k, "small again")
	want(t, open(), k, "small again")
}

func oddKeys(t *testing.T, open func() store.Store) {
	s := open()
	keys := []string{
		"a", "A", "a/b", "A/b", "a/B", "a+b", "a%2fb", "a%2Fb", "a%b", "a b", "a\tb", "a\nb", "a\x00b", "a\\b", "a:b", "a~b",
		".", "..", "/", "//", "../x", "../../x", "/etc/passwd", "a/", "/a", "a//b", "a/./b", "a/../b", ".hidden", "a.json",
		"a.lock", "a.tmp", "a.json.lock", "é", "e\u0301", "É", "日本", "\xff", "\xfe", "-rf", "$(id)", "`id`", "'", `"`, "*", "con",
		strings.Repeat("x", 199), strings.Repeat("x", 200), strings.Repeat("x", 201), strings.Repeat("x", 5000), strings.Repeat("x", 5001),
		strings.Repeat("x", 5000) + "y", strings.Repeat("日", 300), strings.Repeat("d/", 300), strings.Repeat("D/", 300), strings.Repeat("../", 300),
	}
	for i, odd := range keys {
		wantAbsent(t, s, key(t, odd))
		put(t, s, key(t, odd), fmt.Sprint("document ", i))
	}
	for i, odd := range keys {
		want(t, s, key(t, odd), fmt.Sprint("document ", i))
	}
	for i, odd := range keys { // and with nothing in front
		put(t, s, odd, fmt.Sprint("bare ", i))
	}
	for i, odd := range keys {
		want(t, s, odd, fmt.Sprint("bare ", i))
		want(t, s, key(t, odd), fmt.Sprint("document ", i))
	}
}
