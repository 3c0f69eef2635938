package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// Dial connects from the machine to addr, as the machine sees it. The connection
// keeps deadlines. An error of the far end wraps the errno it would have been
// there (ECONNREFUSED, EHOSTUNREACH, ETIMEDOUT); a server that does not allow
// forwarding says so; an *Error means that the machine itself was not reached.
func (h *Host) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if err := checkAddr(network, addr); err != nil {
		return nil, fmt.Errorf("cannot dial %q: %w", addr, err)
	}
	if h.machine.Here {
		return dialHere(ctx, network, addr)
	}
	var conn net.Conn
	label, err := h.with(ctx, func(c *connection, _ time.Duration) error {
		var err error
		conn, err = c.tunnelWithin(ctx, network, addr, h.settings.timeout())
		return err
	})
	var e *Error
	switch {
	case err == nil:
		return conn, nil
	case errors.As(err, &e), label == "":
		return nil, named(err, label)
	}
	return nil, fmt.Errorf("cannot dial %s through %s: %w", addr, label, err)
}

// tunnelWithin opens a tunnel. When nothing has come in a third of the time it
// asks the server for a sign of life: with one, it is the far end that is slow and
// has the rest; without one, the connection is dead.
func (c *connection) tunnelWithin(ctx context.Context, network, addr string, total time.Duration) (net.Conn, error) {
	limit, began := total/3, time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		conn    net.Conn
		failure error
	)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, failure = c.tunnel(ctx, network, addr)
	}()
	err := c.until(ctx, done, limit)
	if errors.Is(err, errNoAnswer) && c.ping(limit) {
		if err = c.until(ctx, done, total-time.Since(began)); errors.Is(err, errNoAnswer) {
			err = &farError{cause: syscall.ETIMEDOUT, text: "nothing answered in time"}
		}
	}
	if err == nil {
		return conn, failure
	}
	cancel()
	go func() {
		if <-done; failure == nil {
			conn.Close()
		}
	}()
	return nil, err
}

// farError is the far end's failure to connect.
type farError struct {
	cause error
	text  string
}

func (e *farError) Error() string { return e.text }

// Unwrap returns the errno.
func (e *farError) Unwrap() error { return e.cause }

// tunnel opens a connection from the machine to addr. It holds a use of the
// connection until it is closed.
func (c *connection) tunnel(ctx context.Context, network, addr string) (net.Conn, error) {
	if !c.acquire() {
		return nil, errDead
	}
	far, err := c.client.DialContext(ctx, network, addr)
	if err != nil {
		c.release()
		return nil, c.tunnelError(err)
	}
	return bridge(far, addr, c.release), nil
}

func (c *connection) tunnelError(err error) error {
	var refused *ssh.OpenChannelError
	switch {
	case errors.As(err, &refused) && refused.Reason == ssh.Prohibited:
		return fmt.Errorf("the SSH server does not allow forwarding (AllowTcpForwarding, PermitOpen): %w", err)
	case errors.As(err, &refused):
		return farErrorOf(refused)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return errDead
}

// checkAddr refuses what could not be dialed anywhere.
func checkAddr(network, addr string) error {
	switch network {
	case "tcp", "tcp4", "tcp6":
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return err
		}
		_, err = strconv.ParseUint(port, 10, 16)
		return err
	case "unix":
		return nil
	}
	return net.UnknownNetworkError(network)
}

// farErrorOf reads the errno out of sshd's message, which is strerror's text. One
// it does not know is a way that does not exist.
func farErrorOf(e *ssh.OpenChannelError) error {
	text := oneLine(e.Message)
	cause := syscall.EHOSTUNREACH
	for _, errno := range []syscall.Errno{
		syscall.ECONNREFUSED, syscall.ETIMEDOUT, syscall.ENETUNREACH, syscall.ECONNRESET,
	} {
		if strings.Contains(strings.ToLower(text), errno.Error()) {
			cause = errno
		}
	}
	return &farError{cause: cause, text: text}
}

// bridgedConn is the near end of a bridge.
type bridgedConn struct {
	net.Conn
	remote net.Addr
}

// RemoteAddr returns the far end as it was dialed.
func (b *bridgedConn) RemoteAddr() net.Addr { return b.remote }

// bridge gives an SSH channel the deadlines it does not have: an in-memory pipe
// has them, and two goroutines copy between both. One that expires leaves the
// connection usable. Closing either end closes both; closed is called once then.
func bridge(far net.Conn, addr string, closed func()) net.Conn {
	near, inner := net.Pipe()
	go func() {
		_, _ = io.Copy(inner, far)
		inner.Close()
	}()
	go func() {
		_, _ = io.Copy(far, inner)
		far.Close()
		closed()
	}()
	remote := net.Addr(&net.UnixAddr{Name: addr, Net: "unix"})
	if ap, err := netip.ParseAddrPort(addr); err == nil {
		remote = net.TCPAddrFromAddrPort(ap)
	}
	return &bridgedConn{Conn: near, remote: remote}
}
