// Package porttest gives tests ports of this host: one that accepts, one that refuses, one that
// is free.
package porttest

import (
	"fmt"
	"net"
	"syscall"
	"testing"
)

// Accepting is the port at which connections to an address are accepted and ended, until
// the test is over. The address may be empty for all of this host.
func Accepting(t testing.TB, ip string) int {
	t.Helper()
	l := listen(t, ip)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// Refusing is an address of this host, 127.0.0.1:PORT, that refuses connections until the test
// is over: it is somebody's, who does not listen.
func Refusing(t testing.TB) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
}

// Free is an address of this host, HOST:PORT, at which nobody listens now.
func Free(t testing.TB) string {
	t.Helper()
	l := listen(t, "127.0.0.1")
	defer l.Close()
	return l.Addr().String()
}

func listen(t testing.TB, ip string) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		t.Fatal(err)
	}
	return l
}
