package store

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"
)

func TestFileName(t *testing.T) {
	for key, want := range map[string]string{
		"status/prod/db-mgr1": "status+prod+db-mgr1",
		"Status":              "%53tatus",
		"a+b":                 "a%2bb",
		"..":                  "%2e.",
		"é":                   "%c3%a9",
	} {
		if got, err := fileName(key); err != nil || got != want {
			t.Errorf("%q: %q (%v), want %q", key, got, err, want)
		}
	}
}

func TestFileNamesAreSafeAndDiffer(t *testing.T) {
	// Keys that are near one another find collisions sooner.
	near := rapid.StringOfN(rapid.RuneFrom([]rune("aA/+%2.f~é\x00")), 1, 6, -1)
	long := rapid.Custom(func(t *rapid.T) string {
		return strings.Repeat(near.Draw(t, "piece"), rapid.IntRange(30, 300).Draw(t, "times"))
	})
	keys := rapid.OneOf(near, long, rapid.StringN(1, -1, -1))
	rapid.Check(t, func(t *rapid.T) {
		a, b := keys.Draw(t, "a"), keys.Draw(t, "b")
		nameA, errA := fileName(a)
		nameB, errB := fileName(b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if len(nameA) > longestName || strings.ContainsAny(nameA, "/\x00") || nameA[0] == '.' || strings.ToLower(nameA) != nameA {
			t.Fatalf("%q is no safe name", nameA)
		}
		if (a == b) != (nameA == nameB) {
			t.Fatalf("%q and %q have the names %q and %q", a, b, nameA, nameB)
		}
	})
}

// After the rename the new document is in place, so a failure to make that
// durable must not be told as "nothing happened".
func TestFolderSyncFailureIsUnknown(t *testing.T) {
	s := newFileStore(t.TempDir(), DefaultMaxSize)
	s.syncFolder = func(*os.File) error { return syscall.EIO }
	err := s.Update(t.Context(), "n", "put", func([]byte) ([]byte, error) { return []byte("1"), nil })
	if !errors.Is(err, ErrUnknown) || !errors.Is(err, syscall.EIO) {
		t.Fatalf("Update: %v, want ErrUnknown", err)
	}
	if doc, err := s.Get(t.Context(), "n"); err != nil || string(doc) != "1" {
		t.Fatalf("document is %q (%v)", doc, err)
	}
}
