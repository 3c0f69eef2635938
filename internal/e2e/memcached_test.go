package e2e_test

import (
	"errors"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// memcached is one on this host, for managers to share.
type memcached struct {
	t       *testing.T
	address string
	cmd     *exec.Cmd
}

// newMemcached starts one at an address of this host; it ends with the test.
func newMemcached(t *testing.T, ip string) *memcached {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	must(t, err)
	s := &memcached{t: t, address: l.Addr().String()}
	must(t, l.Close())
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *memcached) url() string { return "memcached://" + s.address + "/clmgr" }

func (s *memcached) port() string {
	_, port, _ := net.SplitHostPort(s.address)
	return port
}

func (s *memcached) start() {
	host, port, err := net.SplitHostPort(s.address)
	if err != nil {
		s.t.Error(err)
		return
	}
	s.cmd = exec.Command("memcached", "-u", "nobody", "-l", host, "-p", port, "-m", "16")
	if err := s.cmd.Start(); err != nil {
		s.t.Error(err)
		return
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if conn, err := net.Dial("tcp", s.address); err == nil {
			conn.Close()
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Errorf("memcached does not listen at %s", s.address)
}

// kill ends it at once, and with it all it knew.
func (s *memcached) kill() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	var exit *exec.ExitError
	if err := s.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		s.t.Error(err)
	}
	s.cmd = nil
}

// say sends text and returns the answer up to its last line, end.
func (s *memcached) say(text, end string) string {
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Error(err)
		return ""
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, err = conn.Write([]byte(text))
	var said []byte
	for some := make([]byte, 1<<16); err == nil && !strings.HasSuffix(string(said), end+"\r\n"); {
		var n int
		n, err = conn.Read(some)
		said = append(said, some[:n]...)
	}
	if err != nil {
		s.t.Errorf("memcached: %v after %q", err, said)
	}
	return string(said)
}

func (s *memcached) flush() { s.say("flush_all\r\n", "OK") }

// keys are all keys it holds.
func (s *memcached) keys() []string {
	var out []string
	for line := range strings.Lines(s.say("lru_crawler metadump all\r\n", "END")) {
		if rest, ok := strings.CutPrefix(line, "key="); ok {
			coded, _, _ := strings.Cut(rest, " ")
			key, err := url.PathUnescape(coded)
			must(s.t, err)
			out = append(out, key)
		}
	}
	return out
}

// get returns an item as it is answered.
func (s *memcached) get(key string) string { return s.say("get "+key+"\r\n", "END") }

// shares lets a manager use it as its store.
func (c *conf) shares(s *memcached) {
	c.Store, c.StoreKey = s.url(), "a key that signs what managers share"
}
