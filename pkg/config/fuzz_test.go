package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever the bytes: no panic, a mistake has a position within the file, and
// what is valid is so again, with the same result.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("../../testdata/config/*.yaml")
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil {
			f.Add(data)
		}
	}
	f.Add(Sample())
	f.Add([]byte(completeSample()))
	f.Add(fleet(2, 3))
	for _, text := range hostile() {
		f.Add([]byte(text[:min(len(text), 300)]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("f", data, known())
		if err != nil {
			var all Errors
			if !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("no Errors: %v", err)
			}
			lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1
			for _, p := range all {
				if p.File != "f" || p.Line < 1 || p.Line > lines || p.Column < 1 || p.Message == "" || strings.ContainsAny(p.Message, "\n\x00\x1b") {
					t.Errorf("%d lines: %q", lines, p.String())
				}
			}
			return
		}
		shown, err := c.Masked()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("f", data, known())
		if err != nil {
			t.Fatal(err)
		}
		if twice, _ := again.Masked(); string(twice) != string(shown) {
			t.Errorf("%s\nthen\n%s", shown, twice)
		}
	})
}
