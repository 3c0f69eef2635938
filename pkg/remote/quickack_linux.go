package remote

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// quickBelow is the size in bytes of a read below which the peer is likely to
// wait for our acknowledgement before it sends more.
const quickBelow = 4096

// quickConn acknowledges what it reads at once. sshd leaves Nagle's algorithm on
// until the first command runs: it holds back a small packet until its last one
// is acknowledged, and the kernel delays that acknowledgement by 40 ms where we
// have nothing to send. It is seen when a session is opened after a login. The
// kernel forgets the option, so that it is set after each read.
type quickConn struct {
	net.Conn
	raw syscall.RawConn
}

// acknowledgeQuickly wraps a TCP connection.
func acknowledgeQuickly(conn net.Conn) net.Conn {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return conn
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return conn
	}
	return &quickConn{Conn: conn, raw: raw}
}

// Read reads and acknowledges.
func (c *quickConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && n < quickBelow {
		// Without the option all is as right, only slower.
		_ = c.raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
		})
	}
	return n, err
}
