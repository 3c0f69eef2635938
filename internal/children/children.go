// Package children lets a test binary do jobs in processes of their own, which can
// be killed at any moment as a program can.
//
//	TestMain ──► Main ── no job named in the environment ──► the tests ──► Command, Start
//	                └─── a job ──► that, and the end                          │
//	                       ▲                 the same binary, run again        │
//	                       └───────────────────────────────────────────────────┘
package children

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Variable names, in the environment, the job that the binary does instead of its tests.
const Variable = "CLMGR_TEST_CHILD"

// longest is how long a child may live.
const longest = time.Minute

// Main runs the tests, or in a child the job that it was made for; it does not
// return. An error of a job is printed, and the child exits with 1.
func Main(m *testing.M, jobs map[string]func(args []string) error) {
	name := os.Getenv(Variable)
	if name == "" {
		os.Exit(m.Run())
	}
	job, known := jobs[name]
	if !known {
		fmt.Printf("there is no job %q\n", name)
		os.Exit(2)
	}
	if err := job(os.Args[1:]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Command returns the command that does a job in a process of its own, which does
// not outlive the test.
func Command(t testing.TB, job string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), Variable+"="+job,
		"GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")) // else a child under -race sleeps for a second at its end
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// Start starts a child and returns the lines it prints.
func Start(t testing.TB, cmd *exec.Cmd) *bufio.Scanner {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return bufio.NewScanner(out)
}
