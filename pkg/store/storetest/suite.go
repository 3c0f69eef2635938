package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/store"
)

// Backing prepares a backing for one test and returns the function that opens
// one more Store on it. What has to be released is for t.Cleanup.
type Backing func(t *testing.T) (open func() store.Store)

// Run checks everything the Store interface promises, one subtest a promise.
func Run(t *testing.T, backing Backing) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*testing.T, func() store.Store)
	}{
		{"absent", absent},
		{"create and modify", createAndModify},
		{"copies are the caller's own", copies},
		{"no change", noChange},
		{"error of f", errorOfF},
		{"panic of f", panicOfF},
		{"empty documents", emptyDocuments},
		{"big documents", bigDocuments},
		{"odd keys", oddKeys},
		{"many goroutines", manyGoroutines},
		{"many stores", manyStores},
		{"reader during update", readerDuringUpdate},
		{"writer during update", writerDuringUpdate},
		{"cancelled before", cancelledBefore},
		{"cancelled in f", cancelledInF},
		{"like a map", likeAMap},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, backing(t)) })
	}
}

// patience is how long a test waits for what should come at once.
const patience = 30 * time.Second

// errStop is an error of an f that gives up.
var errStop = errors.New("f gave up")

// key returns a key of this test alone.
func key(t *testing.T, name string) string { return "storetest/" + t.Name() + "/" + name }

// to returns an f that stores text.
func to(text string) func([]byte) ([]byte, error) {
	return func([]byte) ([]byte, error) { return []byte(text), nil }
}

// put stores text under key, which must work.
func put(t *testing.T, s store.Store, key, text string) {
	t.Helper()
	if err := s.Update(t.Context(), key, "put", to(text)); err != nil {
		t.Fatal(err)
	}
}

// want checks that the document under key is text.
func want(t *testing.T, s store.Store, key, text string) {
	t.Helper()
	got, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != text {
		t.Fatalf("document %q is %s, want %s", key, short(got), short([]byte(text)))
	}
}

// wantAbsent checks that there is no document under key.
func wantAbsent(t *testing.T, s store.Store, key string) {
	t.Helper()
	if got, err := s.Get(t.Context(), key); !errors.Is(err, store.ErrNotFound) || got != nil {
		t.Fatalf("got document %s, error %v; want ErrNotFound", short(got), err)
	}
}

// short shows a document in a message.
func short(doc []byte) string {
	if len(doc) > 100 {
		return fmt.Sprintf("%q… (%d bytes)", doc[:100], len(doc))
	}
	return fmt.Sprintf("%q", doc)
}

// soon runs f and fails the test when it does not return.
func soon(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case <-done:
	case <-ctx.Done():
		t.Fatalf("%s did not return", what)
	}
}
