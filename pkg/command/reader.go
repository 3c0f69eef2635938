package command

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/titanous/json5"
)

// MaxDocument is the size in bytes above which a document is refused unread.
const MaxDocument = 4 << 20

// maxDepth bounds nesting: the decoder recurses.
const maxDepth = 100

// Document is one JSON5 object of a stream.
type Document struct {
	Line int // where it begins, from 1
	Body map[string]any
}

// SyntaxError is a document that could not be read. The Reader goes on behind it.
type SyntaxError struct {
	Position
	Err error
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("cannot read document at line %d, column %d: %v", e.Line, e.Column, e.Err)
}

func (e *SyntaxError) Unwrap() error { return e.Err }

// Reader reads JSON5 documents that follow one another, with any white space
// and comments between them. After a malformed one it goes on at the next line
// that begins with "{", counted from the line the malformed one began on, so
// that a document cut short never swallows the one after it.
type Reader struct {
	src  *source
	line int // of the next byte of src, from 1
}

// NewReader returns a Reader of src.
func NewReader(src io.Reader) *Reader {
	return &Reader{src: &source{r: bufio.NewReader(src)}, line: 1}
}

// Next returns the next document; io.EOF after the last; a *SyntaxError for a
// malformed one, after which Next may be called again.
func (r *Reader) Next() (Document, error) {
	if err := r.skipSpace(); err != nil {
		return Document{}, err
	}
	start := r.line
	raw := &window{src: r.src}
	var value any
	dec := json5.NewDecoder(raw)
	err := dec.Decode(&value)
	if raw.err != nil && !errors.Is(raw.err, io.EOF) && !errors.Is(raw.err, errTooLarge) && !errors.Is(raw.err, errTooDeep) {
		return Document{}, fmt.Errorf("cannot read input: %w", raw.err)
	}
	if body, ok := value.(map[string]any); ok && err == nil {
		rest, _ := io.ReadAll(dec.Buffered())
		r.line += bytes.Count(raw.got[:len(raw.got)-len(rest)], newline)
		r.src.unread(rest)
		return Document{Line: start, Body: body}, nil
	}
	at, err := locate(start, raw, value, err)
	if rerr := r.resume(raw.got); rerr != nil {
		return Document{}, fmt.Errorf("cannot read input: %w", rerr)
	}
	return Document{}, &SyntaxError{Position: at, Err: err}
}

var newline = []byte{'\n'}

// locate turns the decoder's error into a position and a plain cause.
func locate(start int, raw *window, value any, err error) (Position, error) {
	offset := len(raw.got)
	var syntax *json5.SyntaxError
	switch {
	case err == nil:
		offset, err = 0, fmt.Errorf("this is %s, a command is an object", describe(value))
	case raw.err != nil && !errors.Is(raw.err, io.EOF):
		err = raw.err
	case errors.As(err, &syntax):
		offset = min(max(int(syntax.Offset)-1, 0), len(raw.got))
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		err = errors.New("the document ends too early")
	}
	before := raw.got[:offset]
	return Position{
		Line:   start + bytes.Count(before, newline),
		Column: len(before) - bytes.LastIndexByte(before, '\n'),
	}, err
}

// resume goes to the first line behind the start of got that begins with "{".
func (r *Reader) resume(got []byte) error {
	r.src.unread(got)
	for {
		err := r.src.skipLine()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		r.line++
		if b, err := r.src.peek(); err == nil && b == '{' {
			return nil
		}
	}
}

// skipSpace consumes white space, comments and a byte order mark.
func (r *Reader) skipSpace() error {
	for {
		b, err := r.src.peek()
		if err != nil {
			return err
		}
		switch b {
		case '\n', ' ', '\t', '\r', '\v', '\f', 0xEF, 0xBB, 0xBF:
			_ = r.take()
		case '/':
			done, err := r.skipComment()
			if err != nil || done {
				return err
			}
		default:
			return nil
		}
	}
}

// take consumes a byte that peek has shown, and counts lines.
func (r *Reader) take() byte {
	b, _ := r.src.next()
	if b == '\n' {
		r.line++
	}
	return b
}

// skipComment consumes one comment; done says that there was none.
func (r *Reader) skipComment() (done bool, err error) {
	start := r.line
	slash := r.take()
	kind, _ := r.src.peek()
	if kind != '/' && kind != '*' {
		r.src.unread([]byte{slash}) // the decoder will say what is wrong with it
		return true, nil
	}
	r.take()
	var before byte
	for {
		if _, err := r.src.peek(); err != nil {
			if errors.Is(err, io.EOF) && kind == '*' {
				err = &SyntaxError{Position: Position{Line: start, Column: 1}, Err: errors.New("the comment is never closed")}
			}
			return false, err
		}
		b := r.take()
		if kind == '/' && b == '\n' || kind == '*' && before == '*' && b == '/' {
			return false, nil
		}
		before = b
	}
}
