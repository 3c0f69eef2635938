package eventlog

import (
	"bufio"
	"errors"
	"io"
)

// lines cuts a growing file into lines, never keeping more than limit bytes.
type lines struct {
	reader *bufio.Reader
	limit  int    // of a line, without its newline
	part   []byte // of the line that has no end yet
	skip   bool   // that line is too long, or began before the first byte read
	offset int64  // in the file, of the first byte not read
	start  int64  // in the file, of the line returned last
	began  int64  // in the file, of the line that has no end yet
}

// newLines returns the lines of file, which is read from offset on. With skip
// the line that offset is in is left out.
func newLines(file io.Reader, offset int64, skip bool) *lines {
	return &lines{reader: bufio.NewReaderSize(file, 64<<10), limit: maxLine, offset: offset, began: offset, skip: skip}
}

// next returns the next line without its newline, valid until the next call.
// whole is false for a line that is left out. The error is io.EOF at the end of
// the file as it is now; there may be more when next is called again.
func (l *lines) next() (line []byte, whole bool, err error) {
	for {
		chunk, err := l.reader.ReadSlice('\n')
		l.offset += int64(len(chunk))
		text := chunk
		if err == nil {
			text = chunk[:len(chunk)-1]
		}
		if l.skip || len(l.part)+len(text) > l.limit {
			l.skip, l.part = true, l.part[:0]
		} else {
			l.part = append(l.part, text...)
		}
		switch {
		case err == nil:
			line, whole = l.part, !l.skip
			l.part, l.skip = l.part[:0], false
			l.start, l.began = l.began, l.offset
			return line, whole, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, err
		}
	}
}

// unfinished tells whether the file ends in a line without newline.
func (l *lines) unfinished() bool { return l.offset > l.began }
