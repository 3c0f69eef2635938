package command

import (
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
	src   io.Reader
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

// joined reads first, then then; unlike io.MultiReader it gives what is there
// without waiting for more.
type joined struct {
	first []byte
	then  io.Reader
}

func (j *joined) Read(p []byte) (int, error) {
	if len(j.first) > 0 {
		n := copy(p, j.first)
		j.first = j.first[n:]
		return n, nil
	}
	return j.then.Read(p)
}
