package services

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/clmgr/clmgr/pkg/secret"
)

func TestOneLine(t *testing.T) {
	m := secret.NewMasker(secret.New("pass\nword"))
	for text, want := range map[string]string{
		"plain":                      "plain",
		"two\nlines\r\n and\ttabs  ": "two lines and tabs",
		"the pass\nword itself":      "the xxx itself",
		"bad \xff\xfe bytes":         "bad \uFFFD bytes",
		"bell\x07 and \u2028 line":   "bell and line",
		"":                           "",
	} {
		if got := oneLine(m, text, 300); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := oneLine(m, strings.Repeat("é", 200), 300); len(got) > 300 || !utf8.ValidString(got) || !strings.HasSuffix(got, "é…") {
		t.Errorf("got %d bytes, %q", len(got), got)
	}
}

// A secret that quoting rewrites, or that the cut goes through, must be masked all the same.
func TestSampleMasksFirst(t *testing.T) {
	password := `quo"te\d` + strings.Repeat("p", 80)
	a := attempt{masker: secret.NewMasker(secret.New(password))}
	if got, want := a.sample([]byte("said "+password+" and more")), `"said xxx and more"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWithinReadsTheSame(t *testing.T) {
	for patience, want := range map[time.Duration]string{
		2_990 * time.Millisecond: "within 3s", 3 * time.Second: "within 3s", 2_700 * time.Millisecond: "within 3s",
		274 * time.Millisecond: "within 300ms", 300 * time.Millisecond: "within 300ms", 20 * time.Millisecond: "within 20ms",
	} {
		if got := (attempt{patience: patience}).within(); got != want {
			t.Errorf("%v: got %q, want %q", patience, got, want)
		}
	}
}

func FuzzOneLine(f *testing.F) {
	f.Add("two\nlines", "secret", 30)
	f.Add(strings.Repeat("é\xff", 99), "\xff", 31)
	f.Fuzz(func(t *testing.T, text, password string, limit int) {
		limit = 8 + max(limit, -limit)%1000
		got := oneLine(secret.NewMasker(secret.New(password)), text, limit)
		if len(got) > limit || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\t\x00") {
			t.Errorf("%q", got)
		}
	})
}
