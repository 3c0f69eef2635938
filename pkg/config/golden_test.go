package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what is said of testdata/config/*.yaml beside them")

// Every file of testdata/config has its mistakes beside it, or its effective
// form where it has none.
func TestGolden(t *testing.T) {
	t.Setenv("CLMGR_TEST_PASSWORD", "canary-of-the-environment")
	t.Setenv("HOME", "/home/clmgr")
	files, err := filepath.Glob("../../testdata/config/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := said(t, filepath.Base(file), data)
			if strings.Contains(got, "hunter2") || strings.Contains(got, "canary") {
				t.Errorf("a password is shown:\n%s", got)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Error(d)
			}
		})
	}
}

func said(t *testing.T, name string, data []byte) string {
	t.Helper()
	c, err := Parse(name, data, known())
	var mistakes Errors
	switch {
	case errors.As(err, &mistakes):
		return mistakes.Error() + "\n"
	case err != nil:
		t.Fatal(err)
	}
	shown, err := c.Masked()
	if err != nil {
		t.Fatal(err)
	}
	return string(shown)
}
