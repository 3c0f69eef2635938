package alert

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A pattern takes what the regular expression takes that says the same.
func TestGlob(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?/é]{1,7}`).Draw(t, "pattern")
		text := rapid.StringMatching(`[ab/é]{0,8}`).Draw(t, "text")
		expr := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
		if got, want := glob(pattern, text), regexp.MustCompile("^(?s:"+expr+")$").MatchString(text); got != want {
			t.Fatalf("glob(%q, %q) is %v", pattern, text, got)
		}
	})
	if !glob("", "anything") || !anyGlob(nil, "x") || anyGlob([]string{"a", "b*"}, "ab") {
		t.Error("an empty pattern and an empty list match everything, a full one does not")
	}
}

// Many stars cost no more than the length of both.
func TestGlobIsQuick(t *testing.T) {
	if glob(strings.Repeat("*a", 40)+"*b", strings.Repeat("a", 20_000)) {
		t.Error("it matches what has no b")
	}
}
