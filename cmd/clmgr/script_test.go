package main

import (
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"clmgr": main, walkedName: walked})
}

// TestScripts runs the command line as a person or a script would, one file a
// command.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "../../testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "samejson": sameJSON, "capture": capture,
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			seed, err := filepath.Abs("../../testdata/seed")
			if err != nil {
				return err
			}
			e.Setenv("SEED", seed)
			return withEC2(e)
		},
	})
}

// exits runs a command that must end with the given exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// capture sets a variable to what the group of a regular expression finds in the
// output of the last command.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture variable regexp")
	}
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("%s finds nothing, or has not one group", args[1])
	}
	ts.Setenv(args[0], found[1])
}

// sameJSON compares two documents but for what moves by itself.
func sameJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: samejson file1 file2")
	}
	var docs [2]any
	for n, name := range args {
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(name)), &docs[n]))
		dropMoving(docs[n])
	}
	if diff := cmp.Diff(docs[0], docs[1]); diff != "" {
		ts.Fatalf("%s", diff)
	}
}

// dropMoving takes out what differs between two looks at the same: times, and the manager's
// network interfaces, among which those of labs come and go.
func dropMoving(node any) {
	switch n := node.(type) {
	case map[string]any:
		delete(n, "time")
		delete(n, "interfaces")
		for _, v := range n {
			dropMoving(v)
		}
	case []any:
		for _, v := range n {
			dropMoving(v)
		}
	}
}
