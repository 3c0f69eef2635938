package runner_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/store"
)

// memcached is a real one, on a free port of the loopback.
type memcached struct {
	t       testing.TB
	address string
	cmd     *exec.Cmd
}

func startMemcached(t testing.TB) *memcached {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &memcached{t: t, address: listener.Addr().String()}
	listener.Close()
	m.start()
	t.Cleanup(m.kill)
	return m
}

// start returns when it answers. In a bubble no time goes by meanwhile.
func (m *memcached) start() {
	m.t.Helper()
	_, port, _ := net.SplitHostPort(m.address)
	m.cmd = exec.Command("memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", port, "-U", "0", "-m", "64")
	m.cmd.Stderr = os.Stderr
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	for range 100_000 {
		conn, err := net.Dial("tcp", m.address)
		if err == nil {
			conn.Close()
			return
		}
		if m.cmd.Process.Signal(syscall.Signal(0)) != nil {
			break
		}
	}
	m.t.Fatal("memcached does not come up")
}

func (m *memcached) kill() { _ = m.cmd.Process.Kill(); _ = m.cmd.Wait() }

// restart forgets everything; its swap ids start again.
func (m *memcached) restart() { m.t.Helper(); m.kill(); m.start() }

// flush forgets everything.
func (m *memcached) flush() { m.t.Helper(); m.say("flush_all", "OK") }

// say sends a raw command and returns the lines of its answer, whose last one
// begins with end, or with BUSY.
func (m *memcached) say(command, end string) []string {
	m.t.Helper()
	conn, err := net.Dial("tcp", m.address)
	if err != nil {
		m.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		m.t.Fatal(err)
	}
	var lines []string
	scanner := bufio.NewScanner(conn)
	scanner.Buffer(nil, 2<<20)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
		if strings.HasPrefix(scanner.Text(), end) || strings.HasPrefix(scanner.Text(), "BUSY") {
			return lines
		}
	}
	m.t.Fatalf("%q was answered with %q (%v)", command, lines, scanner.Err())
	return nil
}

// swapID returns the swap id of the one document; pointers have shorter keys. The
// server may be busy with a round of its own, so it is asked again.
func (m *memcached) swapID() string {
	m.t.Helper()
	for range 1000 {
		for _, line := range m.say("lru_crawler metadump hash", "END") {
			key, found := strings.CutPrefix(line, "key=")
			key, _, _ = strings.Cut(key, " ")
			key = strings.NewReplacer("%3A", ":", "%2F", "/").Replace(key)
			if !found || strings.Count(key, ":") != 3 {
				continue
			}
			if words := strings.Fields(m.say("gets "+key, "END")[0]); len(words) > 1 {
				return words[len(words)-1]
			}
		}
	}
	m.t.Fatal("there is no document")
	return ""
}

// site makes managers that share this memcached. It is called in their bubble.
func (m *memcached) site(t testing.TB) *site {
	m.t = t
	return &site{t: t, forgets: true, began: time.Now().Add(-time.Hour), open: func() store.Store {
		return openStore(t, "memcached://"+m.address)
	}}
}

// A memcached that is killed under a working manager, and is back in time.
func TestMemcachedRestartsUnderWork(t *testing.T) {
	t.Parallel()
	history(t, func(t *testing.T, mc *memcached, g *gauge, m1, m2, _ *manager) {
		m1.handlers["x"] = g.does(5*time.Minute, nil)
		x := m1.add("x")[0]
		ran := m1.goes(context.WithoutCancel(t.Context()))
		time.Sleep(time.Minute)
		mc.kill()
		time.Sleep(lease / 2)
		mc.start()
		for range 20 {
			if got := m2.runs(); got != "" {
				t.Error(got)
			}
			time.Sleep(lease / 3)
		}
		if got := <-ran; got != "claim:x finish:x" {
			t.Error(got)
		}
		m2.want(x, actions.Done, 0)
		g.want(t, 1)
	})
}
