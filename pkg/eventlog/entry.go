package eventlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
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
	// Line is the whole event, a JSON object without line breaks.
	Line json.RawMessage
}

// Parse returns the entry that is written as line, a JSON object with at least a
// non-empty "id" and a "time". It keeps nothing of the given slice.
func Parse(line []byte) (Entry, error) {
	var head struct {
		ID   string    `json:"id"`
		Time time.Time `json:"time"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return Entry{}, err
	}
	switch {
	case head.ID == "":
		return Entry{}, errors.New(`no "id"`)
	case head.Time.IsZero():
		return Entry{}, errors.New(`no "time"`)
	}
	var compact bytes.Buffer
	compact.Grow(len(line))
	if err := json.Compact(&compact, line); err != nil {
		return Entry{}, err
	}
	if compact.Len() > maxLine {
		return Entry{}, errors.New("longer than 1 MiB")
	}
	return Entry{ID: head.ID, At: head.Time, Line: compact.Bytes()}, nil
}
