package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/internal/lab"
)

// TestLabCommand walks a real lab through the command line.
func TestLabCommand(t *testing.T) {
	if err := lab.Possible(); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("cli%d", os.Getpid())
	t.Cleanup(func() {
		if err := lab.Down(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	config := strings.TrimSpace(labRun(t, name, "up", "--sample"))
	text, err := os.ReadFile(config)
	if err != nil || !strings.Contains(string(text), "name: node10") {
		t.Fatalf("up printed %q: %v", config, err)
	}
	if err := labTry(name, nil, "up"); err == nil || !strings.Contains(err.Error(), "clmgr lab down --name "+name) {
		t.Errorf("a second up says %v", err)
	}
	if out := labRun(t, name, "exec", "m1", "--", "printf", "%s|", "a b", "c'd"); out != "a b|c'd|" {
		t.Errorf("words came as %q", out)
	}
	if out := labRun(t, name, "exec", "m2", "--", "hostname; cat"); out != "m2\nfrom standard input" {
		t.Errorf("a command line printed %q", out)
	}
	labRun(t, name, "cut", "m2", "m1", "--port", "3306")
	labRun(t, name, "kill", "m1", "m2")
	labRun(t, name, "freeze", "m3")
	labWant(t, name, "m1 off", "m2 off", "m3 frozen", "cut m2 -/- m1:3306")
	labRun(t, name, "on", "m1", "m2")
	labRun(t, name, "thaw", "m3")
	labRun(t, name, "off", "m3")
	labRun(t, name, "heal")
	labWant(t, name, "m1 on", "m2 on", "m3 off")
	labRun(t, name, "down")
	labWant(t, name)
	if _, err := os.Stat(config); err == nil {
		t.Error("the configuration outlived its lab")
	}
}

func labTry(name string, out *bytes.Buffer, args ...string) error {
	c := newLabCommand()
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetIn(strings.NewReader("from standard input"))
	c.SetErr(new(bytes.Buffer))
	if out != nil {
		c.SetOut(out)
	}
	c.SetArgs(append([]string{args[0], "--name", name}, args[1:]...))
	return c.ExecuteContext(context.Background())
}

func labRun(t *testing.T, name string, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if err := labTry(name, &out, args...); err != nil {
		t.Fatalf("lab %v: %v", args, err)
	}
	return out.String()
}

// labWant compares what status says of the lab, a line each: machine and state, or cut.
func labWant(t *testing.T, name string, want ...string) {
	t.Helper()
	var got []string
	for line := range strings.Lines(labRun(t, name, "status")) {
		f := strings.Fields(line)
		switch {
		case f[0] != name:
		case f[1] == "cut":
			got = append(got, strings.Join(f[1:], " "))
		default:
			got = append(got, f[1]+" "+f[3])
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("status says %q, want %q", got, want)
	}
}
