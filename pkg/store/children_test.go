package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// childVariable names, in the environment, the job that the test binary does
// instead of its tests. The job's arguments follow the program's name.
const childVariable = "CLMGR_STORE_TEST_CHILD"

// jobs are what a child process can do. An error is printed and exits 1.
var jobs = map[string]func(args []string) error{
	"increment":     jobIncrement,
	"replace":       jobReplace,
	"hold":          jobHold,
	"write forever": jobWriteForever,
	"full disk":     jobFullDisk,
	"read-only":     jobReadOnly,
	"nobody":        jobNobody,
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
func child(t testing.TB, job string, args ...string) *exec.Cmd {
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
func started(t testing.TB, cmd *exec.Cmd) *bufio.Scanner {
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

// finish runs a child to its end, which must be a good one.
func finish(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// ownMounts lets the child mount what it likes: nobody else sees it and it is
// gone with the child. Who is not root becomes it in a namespace of his own.
func ownMounts(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return cmd
}

// increment adds one to the number in a document.
func increment(old []byte) ([]byte, error) {
	n := 0
	if old != nil {
		var err error
		if n, err = strconv.Atoi(string(old)); err != nil {
			return nil, err
		}
	}
	return strconv.AppendInt(nil, int64(n)+1, 10), nil
}

// jobIncrement increments document n of the Store at args[0], args[1] times.
func jobIncrement(args []string) error {
	s, times, err := openJob(args)
	for range times {
		if err == nil {
			err = s.Update(context.Background(), "n", "increment", increment)
		}
	}
	return err
}

// jobHold stays inside an Update of document n until its input ends.
func jobHold(args []string) error {
	s, _, err := openJob(args)
	if err != nil {
		return err
	}
	return s.Update(context.Background(), "n", "hold", func([]byte) ([]byte, error) {
		fmt.Println("holding")
		_, err := io.Copy(io.Discard, os.Stdin)
		return []byte("let go"), err
	})
}
