package store_test

import (
	"path/filepath"
	"testing"

	"github.com/clmgr/clmgr/pkg/store"
	"github.com/clmgr/clmgr/pkg/store/storetest"
)

// open returns a Store on the folder at path.
func open(t testing.TB, path string) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "file:"+path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFileSuite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() store.Store {
		folder := filepath.Join(t.TempDir(), "not", "yet there")
		return func() store.Store { return open(t, folder) }
	})
}
