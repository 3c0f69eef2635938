package eventlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
	"unicode/utf8"
)

// maxLine is the length in bytes of the longest line that is written or read,
// without its newline. Readers skip what is longer without keeping it.
const maxLine = 1 << 20

// Entry is one event. Parse makes it from its line.
type Entry struct {
	// ID is the "id" of the line. Two entries with one ID are one event.
	ID string
	// At is the "time" of the line.
	At time.Time
	// Line is the whole event, a JSON object without line breaks. What Parse
	// returns has no other space between its parts either.
	Line json.RawMessage
}

// Parse returns the entry that is written as line, a JSON object in UTF-8 with
// at least a non-empty "id" and a "time". It keeps nothing of the given slice.
func Parse(line []byte) (Entry, error) {
	entry, err := parseHead(line)
	if err != nil {
		return Entry{}, err
	}
	var compact bytes.Buffer
	compact.Grow(len(line))
	if err := json.Compact(&compact, line); err != nil {
		return Entry{}, err
	}
	if compact.Len() > maxLine {
		return Entry{}, errors.New("longer than 1 MiB")
	}
	entry.Line = compact.Bytes()
	return entry, nil
}

// parseHead is Parse without the Line.
func parseHead(line []byte) (Entry, error) {
	var head struct {
		ID   string    `json:"id"`
		Time time.Time `json:"time"`
	}
	err := json.Unmarshal(line, &head)
	switch {
	case err != nil:
		return Entry{}, err
	case !utf8.Valid(line):
		return Entry{}, errors.New("not in UTF-8")
	case head.ID == "":
		return Entry{}, errors.New(`no "id"`)
	case head.Time.IsZero():
		return Entry{}, errors.New(`no "time"`)
	}
	return Entry{ID: head.ID, At: head.Time}, nil
}
