package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// hostile are files made to exhaust a reader.
func hostile() map[string]string {
	bomb := "x0: &x0 {user: a}\n"
	for i := range 40 {
		bomb += fmt.Sprintf("x%d: &x%d {<<: [*x%d, *x%d]}\n", i+1, i+1, i, i)
	}
	bomb += "ssh: *x40\n"
	keys := "ssh: {keys: &k [" + strings.Repeat("a, ", 20_000) + "a]}\nclusters:\n"
	for i := range 300 {
		keys += fmt.Sprintf("  c%d: {ssh: {keys: *k}}\n", i)
	}
	deep := 20_000
	return map[string]string{
		"aliases of aliases":   bomb,
		"a large alias, often": keys,
		"brackets":             strings.Repeat("[", deep),
		"closed brackets":      strings.Repeat("[", deep) + strings.Repeat("]", deep),
		"braces":               strings.Repeat("{a: ", deep),
		"dashes":               strings.Repeat("- ", deep),
		"question marks":       strings.Repeat("? ", deep),
		"anchors":              strings.Repeat("&a ", deep),
		"tags":                 strings.Repeat("!a ", deep),
		"colons":               strings.Repeat("a: ", deep),
		"stairs": func() string {
			var b strings.Builder
			for i := range 2000 {
				b.WriteString(strings.Repeat(" ", i) + "a:\n")
			}
			return b.String()
		}(),
		"unknown keys": func() string {
			var b strings.Builder
			for i := range 20_000 {
				fmt.Fprintf(&b, "managr%d: 1\n", i)
			}
			return b.String()
		}(),
		"empty keys in entries":  "clusters:\n" + strings.Repeat(" - a:\n", deep),
		"empty keys in flow":     "[" + strings.Repeat("{a: },", deep) + "]",
		"documents":              strings.Repeat("---\na: 1\n", deep),
		"empty entries":          strings.Repeat("-\n", deep),
		"entries":                strings.Repeat("- a\n", deep),
		"flow keys":              "{" + strings.Repeat("a: b, ", deep) + "}",
		"commas":                 "[" + strings.Repeat(",", deep) + "]",
		"flow entries":           "[" + strings.Repeat("a,\n", deep) + "]",
		"flow mappings":          "[" + strings.Repeat("{a: b},", deep) + "]",
		"aliases":                "a: &a b\nc: [" + strings.Repeat("*a,", deep) + "]",
		"blanks":                 strings.Repeat(" \n", deep),
		"comments":               strings.Repeat("# a\n", deep),
		"carriage returns":       strings.Repeat("\r", deep),
		"long text":              "a: \"" + strings.Repeat("x\\n", deep) + "\"",
		"long plain text":        "a: " + strings.Repeat("x y ", deep),
		"long block":             "a: |\n" + strings.Repeat("  xx\n", deep),
		"long folded plain text": "a: " + strings.Repeat("x\n  ", deep),
		"blank folded text":      "a: >\n" + strings.Repeat("\n", deep) + "  x",
		"blanks in list":         "a:\n" + strings.Repeat(" - b: 1\n\n", deep),
		"steps":                  strings.Repeat("- a:\n   - b: 1\n", deep),
		"dangling": func() string {
			text := strings.ReplaceAll(string(fleet(200, 10_000)), "instance: m", "instance: n")
			return text
		}(),
	}
}

func TestHostileFilesEnd(t *testing.T) {
	for what, text := range hostile() {
		t.Run(what, func(t *testing.T) {
			start := time.Now()
			said := mistakes(t, text)
			if len(said) == 0 || len(said) > reported {
				t.Errorf("%d problems", len(said))
			}
			// Far beyond what it takes; what multiplies takes minutes.
			if spent := time.Since(start); spent > 20*time.Second {
				t.Errorf("took %v", spent)
			}
			t.Log(time.Since(start), said[0])
		})
	}
}

func TestHugeFile(t *testing.T) {
	said := mistakes(t, strings.Repeat("# comment\n", largest/10+1))
	if !slices.Equal(said, []string{"1:1: the file is larger than 16MiB"}) {
		t.Errorf("%q", said)
	}
}
