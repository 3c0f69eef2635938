package eventlog

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// trickle gives a text in pieces of the given lengths, and after each says that
// the file ends.
type trickle struct {
	text  []byte
	sizes []byte
	ended bool
}

func (r *trickle) Read(p []byte) (int, error) {
	r.ended = !r.ended
	if r.ended || len(r.text) == 0 {
		return 0, io.EOF
	}
	n := len(r.text)
	if len(r.sizes) > 0 {
		n, r.sizes = min(n, int(r.sizes[0])*17+1), r.sizes[1:]
	}
	n = copy(p, r.text[:min(n, len(r.text))])
	r.text = r.text[n:]
	return n, nil
}

// However a text comes, its lines are the same as those of bytes.Split.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nbb\n\nccc"), []byte{0, 1, 2}, false)
	f.Add([]byte("\n\n"), []byte{}, true)
	const limit = 100
	f.Add(append(bytes.Repeat([]byte("x"), limit), "\ny\n"...), []byte{5, 1}, false)
	f.Add(append(bytes.Repeat([]byte("x"), limit+1), "\ny\n"...), []byte{5, 1}, false)
	f.Add(append(bytes.Repeat([]byte("x"), 3*64<<10), "\ny"...), []byte{}, true) // more than is buffered
	f.Fuzz(func(t *testing.T, text, sizes []byte, skip bool) {
		want := bytes.Split(text, []byte("\n"))
		tail := want[len(want)-1]
		want = want[:len(want)-1]
		source := &trickle{text: text, sizes: sizes}
		cut := newLines(source, 0, skip)
		cut.limit = limit
		offset := int64(0)
		for i := 0; ; {
			line, whole, err := cut.next()
			if errors.Is(err, io.EOF) {
				if len(source.text) > 0 || source.ended {
					continue // more has come
				}
				if i != len(want) || cut.unfinished() != (len(tail) > 0) {
					t.Fatalf("%d lines of %d, unfinished: %v", i, len(want), cut.unfinished())
				}
				return
			}
			if err != nil || i == len(want) {
				t.Fatalf("line %d of %d: %v", i, len(want), err)
			}
			fits := len(want[i]) <= limit && (i > 0 || !skip)
			if whole != fits || whole && !bytes.Equal(line, want[i]) || cut.start != offset {
				t.Fatalf("line %d: %.50q at %d, whole: %v; want %.50q at %d, whole: %v", i, line, cut.start, whole, want[i], offset, fits)
			}
			offset += int64(len(want[i])) + 1
			i++
		}
	})
}
