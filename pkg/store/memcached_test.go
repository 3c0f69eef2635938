package store_test

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

	"github.com/clmgr/clmgr/pkg/store"
	"github.com/clmgr/clmgr/pkg/store/storetest"
)

const testKey = "a key of the tests only"

// memcachedServer is a real memcached of one test.
type memcachedServer struct {
	t       testing.TB
	address string
	args    []string
	cmd     *exec.Cmd
}

// startMemcached starts a memcached on a free port of the loopback.
func startMemcached(t testing.TB, args ...string) *memcachedServer {
	t.Helper()
	m := &memcachedServer{t: t, address: freeAddress(t), args: args}
	m.start()
	t.Cleanup(m.kill)
	return m
}

func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// start returns when the memcached answers.
func (m *memcachedServer) start() {
	m.t.Helper()
	_, port, _ := net.SplitHostPort(m.address)
	m.cmd = exec.Command("memcached", append([]string{"-l", "127.0.0.1", "-p", port, "-U", "0", "-m", "64"}, m.args...)...)
	m.cmd.Stderr = os.Stderr
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 {
		// Not by -u nobody: who changes its user itself outlives a killed test.
		m.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		conn, err := net.Dial("tcp", m.address)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-ctx.Done():
			m.t.Fatalf("memcached does not come up: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
}

func (m *memcachedServer) kill() { _ = m.cmd.Process.Kill(); _ = m.cmd.Wait() }

// restart forgets everything; CAS ids start again.
func (m *memcachedServer) restart() { m.kill(); m.start() }

// freeze returns when all threads of the memcached stand still.
func (m *memcachedServer) freeze() {
	m.t.Helper()
	m.signal(syscall.SIGSTOP)
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(m.cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		m.t.Fatalf("the memcached is not stopped: %v (%v)", status, err)
	}
}

func (m *memcachedServer) thaw() { m.t.Helper(); m.signal(syscall.SIGCONT) }

func (m *memcachedServer) signal(s syscall.Signal) {
	m.t.Helper()
	if err := m.cmd.Process.Signal(s); err != nil {
		m.t.Fatal(err)
	}
}

// open returns a Store on the memcached.
func (m *memcachedServer) open() store.Store { return openMemcachedAt(m.t, m.address, store.Options{}) }

func openMemcachedAt(t testing.TB, address string, opts store.Options) store.Store {
	t.Helper()
	if opts.SigningKey == nil {
		opts.SigningKey = []byte(testKey)
	}
	s, err := store.Open(t.Context(), "memcached://"+address, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// say sends raw commands, whose answer ends with a line that starts with end, or
// with BUSY, and returns the answer's lines.
func (m *memcachedServer) say(command, end string) []string {
	m.t.Helper()
	conn, err := net.Dial("tcp", m.address)
	if err != nil {
		m.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
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

func (m *memcachedServer) flush() { m.t.Helper(); m.say("flush_all", "OK") }

// items returns the keys of all items, by the hash table: a walk along the lists may
// miss one that is moved meanwhile.
func (m *memcachedServer) items() []string {
	m.t.Helper()
	const dump = "lru_crawler metadump hash"
	lines := m.say(dump, "END")
	for strings.HasPrefix(lines[0], "BUSY") { // with the server's own round
		lines = m.say(dump, "END")
	}
	var keys []string
	for _, line := range lines {
		if key, found := strings.CutPrefix(line, "key="); found {
			key, _, _ = strings.Cut(key, " ")
			keys = append(keys, strings.NewReplacer("%3A", ":", "%2F", "/").Replace(key))
		}
	}
	return keys
}

// item returns the key of the one item that is a pointer or a document.
func (m *memcachedServer) item(document bool) string {
	m.t.Helper()
	var found []string
	for _, key := range m.items() {
		if (strings.Count(key, ":") == 3) == document {
			found = append(found, key)
		}
	}
	if len(found) != 1 {
		m.t.Fatalf("want one item (document: %v), got %q", document, found)
	}
	return found[0]
}

func TestMemcachedSuite(t *testing.T) {
	m := startMemcached(t)
	storetest.Run(t, func(*testing.T) func() store.Store { return m.open })
}
