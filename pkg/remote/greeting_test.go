package remote

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
)

// said is a connection whose far end has said all it will.
type said struct {
	net.Conn
	io.Reader
}

func (s said) Read(p []byte) (int, error) { return s.Reader.Read(p) }

// Whatever a server says: what is taken for its version line and all after it
// reaches the library unchanged, and nothing else is taken for one.
func FuzzGreet(f *testing.F) {
	for _, seed := range []string{
		"SSH-2.0-x\r\n\x00\x01", "hello\nSSH-1.99-y\n", "SSH-1.5-z\n", "", "SSH-2.0-", "\n\n\n", "HTTP/1.1 400\r\n\r\n",
		strings.Repeat("x", 9000), strings.Repeat("\n", 9000),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := greet(said{Reader: bytes.NewReader(in)})
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("more than one line: %q", err)
			}
			return
		}
		rest, err := io.ReadAll(c)
		if err != nil || !bytes.HasSuffix(in, rest) {
			t.Fatalf("%q became %q, %v", in, rest, err)
		}
		if line, _, ok := bytes.Cut(rest, []byte("\n")); !ok || !isVersion(line) {
			t.Fatalf("%q was taken for a greeting", line)
		}
	})
}
