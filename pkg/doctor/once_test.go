package doctor_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/doctor"
)

// A script that is run once gets its document and its environment, and its error says
// how it ended.
func TestScriptRun(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	hide := func(s string) string { return strings.ReplaceAll(s, "hunter2", "xxx") }
	for _, c := range []struct{ name, text, want string }{
		{"good", `cat >$0.given; echo "$CLMGR_RULE $CLMGR_MANAGER $SECRET" >>$0.given`, ""},
		{"bad", "echo the password is hunter2; exit 7", "exit 7 after "},
		{"slow", "sleep 30", "over its time limit of 1s"},
	} {
		path := write(c.name, c.text)
		t.Setenv("SECRET", "hunter2")
		err := doctor.Script{Path: path, Timeout: time.Second, Env: []string{"CLMGR_RULE=r"}, Manager: "mgr", Mask: hide}.Run(t.Context(), []byte("{}\n"))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a secret is told: %v", err)
		}
	}
	if given, err := os.ReadFile(dir + "/good.given"); err != nil || string(given) != "{}\nr mgr \n" {
		t.Errorf("given %q, %v", given, err)
	}
	missing := doctor.Script{Path: dir + "/none", Timeout: time.Second}.Run(t.Context(), nil)
	if missing == nil || !strings.HasPrefix(missing.Error(), "cannot start "+dir+"/none") {
		t.Error(missing)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := (doctor.Script{Path: dir + "/slow", Timeout: time.Minute}).Run(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
