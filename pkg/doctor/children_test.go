package doctor_test

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
// instead of its tests. The job's arguments follow the program's name: a folder, a
// script in it and a number.
const childVariable = "CLMGR_DOCTOR_TEST_CHILD"

// jobs are what a child process can do. An error is printed and exits 1.
var jobs = map[string]func(s site, script string, n int) error{
	"treat":   jobTreat,
	"forever": jobForever,
}

func TestMain(m *testing.M) {
	name := os.Getenv(childVariable)
	if name == "" {
		os.Exit(m.Run())
	}
	n, err := strconv.Atoi(os.Args[3])
	if err == nil {
		err = jobs[name](siteIn(os.Args[1], eventlog.Options{}), os.Args[2], n)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func timeLimit() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Minute)
}

// child returns the command that does a job in a process of its own, which does
// not outlive the test.
func child(t *testing.T, job string, s site, script string, n int) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], s.folder, script, strconv.Itoa(n))
	cmd.Env = append(os.Environ(), childVariable+"="+job, "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
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

// jobTreat appends event n, and hands over what there is.
func jobTreat(s site, script string, n int) error {
	ctx, cancel := timeLimit()
	defer cancel()
	if err := s.addEvents(n, n+1); err != nil {
		return err
	}
	_, err := s.doctor(time.Minute, script).Treat(ctx, noon)
	return err
}

// jobForever does what jobTreat does with event n and all after it, and prints the
// number of each that is in the log, before it is handed over.
func jobForever(s site, script string, n int) error {
	ctx, cancel := timeLimit()
	defer cancel()
	for {
		if err := s.addEvents(n, n+1); err != nil {
			return err
		}
		n++
		fmt.Println(n)
		if _, err := s.doctor(time.Minute, script).Treat(ctx, noon); err != nil {
			return err
		}
	}
}
