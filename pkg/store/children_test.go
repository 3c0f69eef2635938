package store_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/clmgr/clmgr/internal/children"
)

func TestMain(m *testing.M) {
	children.Main(m, map[string]func(args []string) error{
		"increment":     jobIncrement,
		"replace":       jobReplace,
		"hold":          jobHold,
		"write forever": jobWriteForever,
		"full disk":     jobFullDisk,
		"read-only":     jobReadOnly,
		"nobody":        jobNobody,
	})
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
