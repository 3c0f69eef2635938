package remotetest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Server is one running sshd.
type Server struct {
	Addr    netip.AddrPort
	HostKey ssh.PublicKey
	Process *os.Process // the listener; each connection has a process of its own

	log  *logBuffer
	done chan struct{}
}

// startLimit bounds how long an sshd, or anything a test waits for, may take.
const startLimit = 20 * time.Second

// Start starts an sshd on a free port of ip, a loopback address, and waits until
// it answers. Lines are added to its configuration before ours, so they win.
func (s *Site) Start(t testing.TB, ip string, lines ...string) *Server {
	t.Helper()
	srv := s.Launch(t, ip, lines...)
	srv.Await(t)
	return srv
}

// Launch is Start without the waiting, for tests that start many at once.
func (s *Site) Launch(t testing.TB, ip string, lines ...string) *Server {
	t.Helper()
	addr := FreeAddr(t, ip)
	return s.LaunchAt(t, addr, lines...)
}

// LaunchAt is Launch on a given address.
func (s *Site) LaunchAt(t testing.TB, addr netip.AddrPort, lines ...string) *Server {
	t.Helper()
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatalf("cannot make sshd's empty folder: %v", err)
		}
	}
	base := filepath.Join(s.Dir, strings.NewReplacer(":", "_", ".", "_").Replace(addr.String()))
	hostKey := WriteKey(t, base+".key").PublicKey()
	config := append(append([]string{}, lines...),
		"ListenAddress "+addr.String(),
		"HostKey "+base+".key",
		"AuthorizedKeysFile "+s.Authorized,
		"UsePAM no", "StrictModes no", "PasswordAuthentication no",
		"KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password",
		"PidFile none", "PrintMotd no", "UseDNS no", "MaxStartups 500:30:1000", "LogLevel VERBOSE")
	Write(t, base+".conf", strings.Join(config, "\n")+"\n")
	srv := &Server{Addr: addr, HostKey: hostKey, log: &logBuffer{}, done: make(chan struct{})}
	srv.run(t, base+".conf")
	s.know(t, srv)
	return srv
}

func (srv *Server) run(t testing.TB, config string) {
	t.Helper()
	binary, err := exec.LookPath("sshd")
	if err != nil {
		binary = "/usr/sbin/sshd"
	}
	cmd := exec.CommandContext(context.Background(), binary, "-D", "-e", "-f", config)
	cmd.Stderr = srv.log
	cmd.WaitDelay = time.Second // what it leaves behind may hold its standard error
	if err := spawn(cmd); err != nil {
		t.Fatalf("cannot start sshd (package openssh-server): %v", err)
	}
	srv.Process = cmd.Process
	go func() {
		_ = cmd.Wait()
		close(srv.done)
	}()
	t.Cleanup(func() {
		for _, pid := range srv.Connections(t) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		srv.Stop()
	})
}

// Stop kills the listener and waits for its end; connections that are open stay
// open, as with a real sshd.
func (srv *Server) Stop() {
	_ = srv.Process.Kill()
	<-srv.done
}

// Await waits until the server sends its version line.
func (srv *Server) Await(t testing.TB) {
	t.Helper()
	Eventually(t, "sshd answers", func() bool {
		select {
		case <-srv.done:
			t.Fatalf("sshd ended by itself:\n%s", srv.Log())
		default:
		}
		return srv.greets()
	})
}

func (srv *Server) greets() bool {
	d := net.Dialer{Timeout: time.Second}
	conn, err := d.DialContext(context.Background(), "tcp", srv.Addr.String())
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(startLimit))
	head := make([]byte, 4)
	n, _ := conn.Read(head)
	return bytes.Equal(head[:n], []byte("SSH-"))
}

// Log returns what sshd has logged so far.
func (srv *Server) Log() string { return srv.log.String() }

// KnownLine is the known_hosts line of the server.
func (srv *Server) KnownLine() string {
	return knownhosts.Line([]string{srv.Addr.String()}, srv.HostKey)
}

func (s *Site) know(t testing.TB, srv *Server) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := os.OpenFile(s.KnownHosts, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatalf("cannot open known_hosts: %v", err)
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, srv.KnownLine()); err != nil {
		t.Fatalf("cannot write known_hosts: %v", err)
	}
}

// FreeAddr returns an address of ip nobody listens on at the moment.
func FreeAddr(t testing.TB, ip string) netip.AddrPort {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		t.Fatalf("cannot find a free port: %v", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// logBuffer takes writes of sshd while the test reads.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
