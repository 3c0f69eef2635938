package remote

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
)

const (
	// maxGreeting bounds in bytes what a server may say before and with its
	// version line.
	maxGreeting = 8 << 10
	// shownGreeting is how much of a wrong one an error shows, in bytes.
	shownGreeting = 60
)

// greetedConn is a connection whose server has said that it is one for SSH. Its
// first reads give the version line again, for the library that must hash it.
type greetedConn struct {
	net.Conn
	head []byte
	rest *bufio.Reader
}

// greet reads up to the server's version line. It comes before a login slot is
// taken: a port that accepts and says nothing must not hold one.
func greet(conn net.Conn) (*greetedConn, error) {
	r := bufio.NewReaderSize(conn, maxGreeting)
	for read := 0; ; {
		line, err := r.ReadSlice('\n')
		read += len(line)
		switch {
		case strings.HasPrefix(string(line), "SSH-2.0-"), strings.HasPrefix(string(line), "SSH-1.99-"):
			if err == nil {
				return &greetedConn{Conn: conn, head: append([]byte(nil), line...), rest: r}, nil
			}
		case strings.HasPrefix(string(line), "SSH-") && err == nil:
			return nil, fmt.Errorf("it speaks a version of SSH that is too old: %s", shown(line))
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull), err == nil && read > maxGreeting:
			return nil, fmt.Errorf("it is not an SSH server: it said %s", shown(line))
		case err != nil && len(line) > 0:
			return nil, fmt.Errorf("it is not an SSH server: it said %s and then: %w", shown(line), err)
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("it closed the connection without a word (too many logins at once, or this address is barred): %w", err)
		case err != nil:
			return nil, err
		}
	}
}

func shown(line []byte) string {
	if len(line) > shownGreeting {
		line = line[:shownGreeting]
	}
	return fmt.Sprintf("%q", strings.TrimRight(string(line), "\r\n"))
}

// Read gives the version line, then what follows it.
func (c *greetedConn) Read(p []byte) (int, error) {
	if len(c.head) > 0 {
		n := copy(p, c.head)
		c.head = c.head[n:]
		return n, nil
	}
	return c.rest.Read(p)
}
