package command

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

var (
	errTooLarge = fmt.Errorf("the document is larger than %d MiB", MaxDocument>>20)
	errTooDeep  = errors.New("the document is nested too deeply")
)

// window hands a stream to the decoder, remembers what it handed out, and ends
// it at the size and the nesting that no document may pass.
type window struct {
	src   *source
	got   []byte
	err   error // why it ended
	depth nesting
}

func (w *window) Read(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.src.Read(p)
	w.got = append(w.got, p[:n]...)
	w.err = err
	switch {
	case len(w.got) > MaxDocument:
		w.err = errTooLarge
	case w.depth.scan(p[:n]) > maxDepth:
		w.err = errTooDeep
	}
	if w.err != nil && !errors.Is(w.err, io.EOF) {
		return 0, w.err // the decoder must not see what is refused
	}
	return n, w.err
}

// nesting follows how deep the brackets outside strings go.
type nesting struct {
	depth   int
	quote   byte // the quote that ends the string we are in, 0 outside
	escaped bool
}

// scan returns the greatest depth met in b.
func (n *nesting) scan(b []byte) int {
	deepest := n.depth
	for _, c := range b {
		switch {
		case n.escaped:
			n.escaped = false
		case n.quote != 0 && c == '\\':
			n.escaped = true
		case n.quote != 0:
			if c == n.quote || c == '\n' { // a line end closes what cannot span lines
				n.quote = 0
			}
		case c == '"' || c == '\'':
			n.quote = c
		case c == '{' || c == '[':
			n.depth++
			deepest = max(deepest, n.depth)
		case c == '}' || c == ']':
			n.depth--
		}
	}
	return deepest
}

// source is a stream into which bytes can be put back.
type source struct {
	back []byte // what comes before the stream
	r    *bufio.Reader
}

// Read gives what is there without waiting for more.
func (s *source) Read(p []byte) (int, error) {
	if len(s.back) > 0 {
		n := copy(p, s.back)
		s.back = s.back[n:]
		return n, nil
	}
	return s.r.Read(p)
}

// unread puts b back; the source owns it from then on.
func (s *source) unread(b []byte) {
	if len(s.back) > 0 {
		b = append(b[:len(b):len(b)], s.back...)
	}
	s.back = b
}

// peek returns the next byte and leaves it there.
func (s *source) peek() (byte, error) {
	if len(s.back) > 0 {
		return s.back[0], nil
	}
	b, err := s.r.Peek(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// next takes one byte.
func (s *source) next() (byte, error) {
	if len(s.back) > 0 {
		b := s.back[0]
		s.back = s.back[1:]
		return b, nil
	}
	return s.r.ReadByte()
}

// skipLine takes everything up to and with the next line end.
func (s *source) skipLine() error {
	if i := bytes.IndexByte(s.back, '\n'); i >= 0 {
		s.back = s.back[i+1:]
		return nil
	}
	s.back = nil
	for {
		_, err := s.r.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
