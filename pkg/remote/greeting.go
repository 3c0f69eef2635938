package remote

import (
	"bufio"
	"bytes"
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
	var said []byte // the first line that is no version
	for read := 0; ; {
		line, err := r.ReadSlice('\n')
		read += len(line)
		if err == nil && isVersion(line) {
			return &greetedConn{Conn: conn, head: append([]byte(nil), line...), rest: r}, nil
		}
		if len(said) == 0 {
			said = append(said, line...)
		}
		switch {
		case err == nil && bytes.HasPrefix(line, []byte("SSH-")):
			return nil, fmt.Errorf("it speaks a version of SSH that is too old: %s", shown(line))
		case errors.Is(err, bufio.ErrBufferFull), err == nil && read > maxGreeting:
			return nil, fmt.Errorf("it is not an SSH server: it said %s", shown(said))
		case err != nil && len(said) > 0:
			return nil, fmt.Errorf("it is not an SSH server: it said %s and then: %w", shown(said), err)
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("it closed the connection without a word (too many logins at once, or this address is barred): %w", err)
		case err != nil:
			return nil, err
		}
	}
}

func isVersion(line []byte) bool {
	return bytes.HasPrefix(line, []byte("SSH-2.0-")) || bytes.HasPrefix(line, []byte("SSH-1.99-"))
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
