package eventlog_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/eventlog"
)

// childVariable names, in the environment, the job that the test binary does
// instead of its tests. The job's arguments follow the program's name.
const childVariable = "CLMGR_EVENTLOG_TEST_CHILD"

// jobs are what a child process can do. An error is printed and exits 1.
var jobs = map[string]func(args []string) error{
	"append":         jobAppend,
	"append forever": jobAppendForever,
	"full disk":      jobFullDisk,
}

func TestMain(m *testing.M) {
	name := os.Getenv(childVariable)
	if name == "" {
		os.Exit(m.Run())
	}
	if err := jobs[name](os.Args[1:]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// child returns the command that does a job in a process of its own, which does
// not outlive the test.
func child(t *testing.T, job string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), childVariable+"="+job,
		"GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")) // else a child under -race sleeps for a second at its end
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// started starts a child and returns the lines it prints.
func started(t *testing.T, cmd *exec.Cmd) *bufio.Scanner {
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

// smallFiles makes the log rotate every twenty events or so.
var smallFiles = eventlog.Options{MaxSize: 6000}

// jobAppend appends the events of source args[1], in args[2] batches of three,
// to the log in args[0].
func jobAppend(args []string) error {
	log, err := eventlog.Open(args[0], smallFiles)
	if err != nil {
		return err
	}
	batches, err := strconv.Atoi(args[2])
	for i := range batches {
		if err == nil {
			err = log.Append(context.Background(), noon, events(args[1], 3*i, 3*i+3))
		}
	}
	return err
}

// jobAppendForever appends batches of five to the log in args[0], from event
// args[1] on, and prints the number after each that is stored.
func jobAppendForever(args []string) error {
	log, err := eventlog.Open(args[0], smallFiles)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[1])
	for ; err == nil; n += 5 {
		if err = log.Append(context.Background(), noon, events("a", n, n+5)); err == nil {
			fmt.Println(n + 5)
		}
	}
	return err
}
