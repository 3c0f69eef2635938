package ledger_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/store"
)

// breakages are documents that nobody may write over.
func breakages() map[string]string {
	return map[string]string{
		"not JSON":      "%PDF-1.4",
		"cut off":       `{"version":1,"name":"x","queue":{"version":1,"marks":{"w":`,
		"empty object":  "{}",
		"list":          "[1,2,3]",
		"no name":       `{"version":1,"queue":{"version":1,"marks":{},"actions":[]}}`,
		"no queue":      `{"version":1,"name":"x"}`,
		"newer":         `{"version":2,"name":"x","queue":{"version":1,"marks":{},"actions":[]}}`,
		"newer queue":   `{"version":1,"name":"x","queue":{"version":2,"marks":{},"deeds":[]}}`,
		"unknown field": `{"version":1,"name":"x","queue":{"version":1,"marks":{},"actions":[],"more":1}}`,
		"empty file":    "",
	}
}

// replaced puts text in the place of a document and returns a check that it is
// still there.
func replaced(t *testing.T, folder, key, text string) func() {
	t.Helper()
	path := filepath.Join(folder, key+".json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, []byte(text)) {
			t.Errorf("%s was overwritten: %q (%v)", key, got, err)
		}
	}
}

func wantNewer(t *testing.T, name string, err error) {
	t.Helper()
	if newer := strings.HasPrefix(name, "newer"); errors.Is(err, actions.ErrNewer) != newer {
		t.Errorf("%v: is it told as a newer version?", err)
	}
}

func TestBrokenOwnCopy(t *testing.T) {
	t.Parallel()
	for name, text := range breakages() {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, t.TempDir(), "m1")
			x := m.add(t, "n1")[0]
			untouched := replaced(t, m.state, "actions", text)
			shared := m.shared.written()
			_, looked := m.Look(t.Context())
			_, added := m.Add(t.Context(), request("n2"))
			_, own := m.Own(t.Context())
			changed := m.Change(t.Context(), "cancel", cancelling(x))
			kept := m.Keep(t.Context(), "ended", func(*actions.Queue, time.Time) {})
			for _, err := range []error{looked, added, own, changed, kept} {
				if err == nil || errors.As(err, new(*ledger.Unshared)) || !strings.Contains(err.Error(), "own copy") ||
					!errors.Is(err, store.ErrCorrupt) && !strings.Contains(err.Error(), "move it away") {
					t.Errorf("error %v", err)
					continue
				}
				wantNewer(t, name, err)
			}
			untouched()
			if n := m.shared.written(); n != shared {
				t.Errorf("%d writes to the shared copy", n-shared)
			}
		})
	}
}

func TestBrokenSharedCopy(t *testing.T) {
	t.Parallel()
	for name, text := range breakages() {
		t.Run(name, func(t *testing.T) {
			shared := t.TempDir()
			m := newManager(t, shared, "m1")
			x := m.add(t, "n1")[0]
			untouched := replaced(t, shared, "actions", text)
			v, err := m.Look(t.Context())
			wantUnshared(t, err)
			wantNewer(t, name, err)
			wantGroups(t, "the look", v.Queue, "n1")
			wantUnshared(t, m.Change(t.Context(), "cancel", cancelling(x)))
			got, err := m.Add(t.Context(), request("n2"))
			wantUnshared(t, err)
			wantNewer(t, name, err)
			if len(got.Added) != 1 || got.Added[0].ID.Seq != 2 {
				t.Errorf("%+v", got.Added)
			}
			m.wantOwn(t, "n1", "n2")
			untouched()

			if err := os.Remove(filepath.Join(shared, "actions.json")); err != nil {
				t.Fatal(err)
			}
			m.look(t)
			wantGroups(t, "m2", newManager(t, shared, "m2").look(t).Queue, "n1", "n2")
		})
	}
}

func TestBrokenLeases(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"%PDF", `{"version":2}`, "{}"} {
		m := newManager(t, t.TempDir(), "m1")
		x := m.add(t, "n1")[0]
		untouched := replaced(t, m.state, "leases", text)
		writes := m.shared.written()
		_, looked := m.Look(t.Context())
		for _, err := range []error{looked, m.Change(t.Context(), "cancel", cancelling(x))} {
			if err == nil || !strings.Contains(err.Error(), "cannot read leases") || errors.As(err, new(*ledger.Unshared)) {
				t.Errorf("%q: error %v", text, err)
			}
		}
		untouched()
		if m.shared.written() != writes {
			t.Errorf("%q: the shared copy was written", text)
		}
	}
}
