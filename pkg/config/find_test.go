package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

func TestFind(t *testing.T) {
	folder := t.TempDir()
	there := func(name string) string { return filepath.Join(folder, name) }
	for _, name := range []string{"flag", "variable", "first", "second"} {
		write(t, there(name), "", 0o600)
	}
	for _, c := range []struct {
		what, flag, variable string
		places               []string
		want, wantErr        string
	}{
		{"the flag first", there("flag"), there("variable"), []string{there("first")}, there("flag"), ""},
		{"then the variable", "", there("variable"), []string{there("first")}, there("variable"), ""},
		{"then the places in order", "", "", []string{there("none"), there("first"), there("second")}, there("first"), ""},
		{"a missing flag falls on nothing else", there("none"), there("variable"), []string{there("first")}, "", "-c names"},
		{"nor does a missing variable", "", there("none"), []string{there("first")}, "", "$CLMGR_CONFIG names"},
		{"nowhere", "", "", []string{there("none"), there("nil")}, "", there("none") + ", " + there("nil") + " exists; `clmgr config init`"},
		{"a place that cannot be looked at", "", "", []string{there("first/x"), there("second")}, "", "not a directory"},
	} {
		t.Run(c.what, func(t *testing.T) {
			got, err := find(c.flag, c.variable, c.places)
			if got != c.want || (err == nil) != (c.wantErr == "") {
				t.Fatalf("%q, %v", got, err)
			}
			if err != nil && !strings.Contains(err.Error(), c.wantErr) {
				t.Errorf("%v does not say %q", err, c.wantErr)
			}
		})
	}
}

func TestFindLooksAtTheVariableAndHere(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv(Variable, "")
	write(t, "clmgr.yaml", "", 0o600)
	if got, err := Find(""); got != "clmgr.yaml" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	write(t, "other.yaml", "", 0o600)
	t.Setenv(Variable, "other.yaml")
	if got, err := Find(""); got != "other.yaml" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
