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
	src  *bufio.Reader
	line int // of the next byte of src, from 1
}

// NewReader returns a Reader of src.
func NewReader(src io.Reader) *Reader {
	return &Reader{src: bufio.NewReader(src), line: 1}
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
	if err == nil {
		rest, _ := io.ReadAll(dec.Buffered())
		used := raw.got[:len(raw.got)-len(rest)]
		r.line += bytes.Count(used, newline)
		r.unread(rest)
		if body, ok := value.(map[string]any); ok {
			return Document{Line: start, Body: body}, nil
		}
		return Document{}, &SyntaxError{
			Position: Position{Line: start, Column: 1},
			Err:      fmt.Errorf("this is %s, a command is an object", describe(value)),
		}
	}
	at, err := locate(start, raw, err)
	if rerr := r.resume(raw.got); rerr != nil {
		return Document{}, fmt.Errorf("cannot read input: %w", rerr)
	}
	return Document{}, &SyntaxError{Position: at, Err: err}
}

var newline = []byte{'\n'}

// locate turns the decoder's error into a position and a plain cause.
func locate(start int, raw *window, err error) (Position, error) {
	offset := len(raw.got)
	var syntax *json5.SyntaxError
	switch {
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

// resume puts back what follows the first line of got that begins with "{"
// after its first line end; where there is none it reads on to such a line.
func (r *Reader) resume(got []byte) error {
	for i := range got {
		if got[i] != '\n' {
			continue
		}
		r.line++
		if i+1 < len(got) && got[i+1] == '{' {
			r.unread(got[i+1:])
			return nil
		}
	}
	atStart := len(got) > 0 && got[len(got)-1] == '\n'
	for {
		if atStart {
			if b, err := r.src.Peek(1); err == nil && b[0] == '{' {
				return nil
			}
		}
		_, err := r.src.ReadSlice('\n')
		atStart = err == nil
		switch {
		case err == nil:
			r.line++
		case errors.Is(err, io.EOF):
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

// unread puts b in front of what is left to read.
func (r *Reader) unread(b []byte) {
	if len(b) > 0 {
		b = append([]byte(nil), b...)
		r.src = bufio.NewReaderSize(&joined{first: b, then: r.src}, max(len(b), 4096))
	}
}

// skipSpace consumes white space, comments and a byte order mark.
func (r *Reader) skipSpace() error {
	for {
		b, err := r.src.Peek(1)
		if err != nil {
			return err
		}
		switch b[0] {
		case '\n':
			r.line++
			fallthrough
		case ' ', '\t', '\r', '\v', '\f', 0xEF, 0xBB, 0xBF:
			_, _ = r.src.Discard(1)
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

// skipComment consumes one comment; done says that there was none.
func (r *Reader) skipComment() (done bool, err error) {
	head, _ := r.src.Peek(2)
	if len(head) < 2 || (head[1] != '/' && head[1] != '*') {
		return true, nil // the decoder will say what is wrong with it
	}
	start := r.line
	_, _ = r.src.Discard(2)
	var before byte
	for {
		b, err := r.src.ReadByte()
		if errors.Is(err, io.EOF) && head[1] == '*' {
			return false, &SyntaxError{Position: Position{Line: start, Column: 1}, Err: errors.New("the comment is never closed")}
		}
		if err != nil {
			return false, err
		}
		if b == '\n' {
			r.line++
		}
		if head[1] == '/' && b == '\n' || head[1] == '*' && before == '*' && b == '/' {
			return false, nil
		}
		before = b
	}
}
