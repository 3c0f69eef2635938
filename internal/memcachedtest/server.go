// Package memcachedtest gives tests a real memcached that can be flushed, killed and
// asked what it holds.
package memcachedtest

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is one memcached of one test. Its methods may be called from any goroutine,
// though not from several at once; what goes wrong fails the test.
type Server struct {
	Address string // host:port

	t    testing.TB
	args []string
	cmd  *exec.Cmd
}

// Start starts a memcached on a free port of an address of this host, which ends with
// the test. More arguments are the program's.
func Start(t testing.TB, host string, args ...string) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Address: listener.Addr().String(), t: t, args: args}
	listener.Close()
	s.Up()
	t.Cleanup(s.Kill)
	return s
}

// Port is the port alone.
func (s *Server) Port() string {
	_, port, _ := net.SplitHostPort(s.Address)
	return port
}

// Up starts it again after Kill, and returns when it answers. It waits without a
// clock: in a bubble of synctest no time goes by meanwhile.
func (s *Server) Up() {
	s.t.Helper()
	host, port, _ := net.SplitHostPort(s.Address)
	s.cmd = exec.Command("memcached", append([]string{"-l", host, "-p", port, "-U", "0", "-m", "64"}, s.args...)...)
	s.cmd.Stderr = os.Stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 {
		// Not by -u nobody: who changes its user itself outlives a killed test.
		s.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Error(err)
		return
	}
	for range 1_000_000 {
		conn, err := net.Dial("tcp", s.Address)
		if err == nil {
			conn.Close()
			return
		}
		if s.cmd.Process.Signal(syscall.Signal(0)) != nil {
			break
		}
	}
	s.t.Errorf("memcached does not come up at %s", s.Address)
}

// Kill ends it at once, and with it all it knew.
func (s *Server) Kill() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
	s.cmd = nil
}

// Restart forgets everything; CAS ids start again.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	s.Up()
}

// Flush forgets everything; CAS ids go on.
func (s *Server) Flush() {
	s.t.Helper()
	s.Say("flush_all", "OK")
}

// Process is the running server.
func (s *Server) Process() *os.Process { return s.cmd.Process }

// Say sends a raw command, whose answer ends with a line that begins with end, or with
// BUSY, and returns the answer's lines.
func (s *Server) Say(command, end string) []string {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Address)
	if err != nil {
		s.t.Error(err)
		return nil
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		s.t.Error(err)
		return nil
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
	s.t.Errorf("%q was answered with %q (%v)", command, lines, scanner.Err())
	return nil
}

// Get returns an item as it is answered, to the byte.
func (s *Server) Get(key string) []byte {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Address)
	if err != nil {
		s.t.Error(err)
		return nil
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	_, err = fmt.Fprintf(conn, "get %s\r\n", key)
	var said []byte
	for some := make([]byte, 1<<16); err == nil && !bytes.HasSuffix(said, []byte("END\r\n")); {
		var n int
		n, err = conn.Read(some)
		said = append(said, some[:n]...)
	}
	if err != nil {
		s.t.Errorf("%v after %q", err, said)
	}
	return said
}

// Keys returns the keys of all items, by the hash table: a walk along the lists may
// miss one that is moved meanwhile. A server that is busy with a round of its own is
// asked again.
func (s *Server) Keys() []string {
	s.t.Helper()
	const dump = "lru_crawler metadump hash"
	lines := s.Say(dump, "END")
	for len(lines) > 0 && strings.HasPrefix(lines[0], "BUSY") {
		lines = s.Say(dump, "END")
	}
	var keys []string
	for _, line := range lines {
		if coded, found := strings.CutPrefix(line, "key="); found {
			coded, _, _ = strings.Cut(coded, " ")
			key, err := url.PathUnescape(coded)
			if err != nil {
				s.t.Error(err)
			}
			keys = append(keys, key)
		}
	}
	return keys
}
