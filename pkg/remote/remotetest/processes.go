package remotetest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Connections returns the processes below the listener: those that serve
// connections, and the commands that run in them.
func (srv *Server) Connections(t testing.TB) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatalf("cannot list processes: %v", err)
	}
	children := map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if parent, ok := parentOf(pid); ok {
			children[parent] = append(children[parent], pid)
		}
	}
	var found []int
	for queue := children[srv.Process.Pid]; len(queue) > 0; queue = queue[1:] {
		found = append(found, queue[0])
		queue = append(queue, children[queue[0]]...)
	}
	return found
}

// parentOf reads the parent of a process that is not yet dead.
func parentOf(pid int) (int, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	// The name, in parentheses, may hold spaces.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 2 || fields[0] == "Z" {
		return 0, false
	}
	parent, err := strconv.Atoi(fields[1])
	return parent, err == nil
}

// SignalConnections sends a signal to all that Connections returns and leaves the
// listener alone. What is stopped is killed when the test ends.
func (srv *Server) SignalConnections(t testing.TB, signal syscall.Signal) {
	t.Helper()
	srv.signal(t, srv.Connections(t), signal)
}

// SignalServing is SignalConnections for the sshd processes alone: commands live on.
func (srv *Server) SignalServing(t testing.TB, signal syscall.Signal) {
	t.Helper()
	var serving []int
	for _, pid := range srv.Connections(t) {
		if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil && strings.HasPrefix(string(name), "sshd") {
			serving = append(serving, pid)
		}
	}
	srv.signal(t, serving, signal)
}

func (srv *Server) signal(t testing.TB, pids []int, signal syscall.Signal) {
	t.Helper()
	if len(pids) == 0 {
		t.Errorf("no connection is open")
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, signal); err != nil {
			t.Logf("cannot signal %d: %v", pid, err)
		}
	}
	if signal == syscall.SIGSTOP {
		t.Cleanup(func() {
			for _, pid := range pids {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		})
	}
}

// Freeze stops the listener: the kernel goes on accepting for it.
func (srv *Server) Freeze(t testing.TB) {
	t.Helper()
	if err := srv.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatalf("cannot stop sshd: %v", err)
	}
}

// Logins tells how many logins the server has accepted.
func (srv *Server) Logins() int { return strings.Count(srv.Log(), "Accepted publickey for") }

// Eventually polls until ok; after 20 s the test has failed.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(startLimit); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it has not come true in %s: %s", startLimit, what)
		}
	}
}
