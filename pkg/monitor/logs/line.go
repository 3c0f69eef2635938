package logs

import "time"

// Line is one line of a file, or one entry of a journal.
type Line struct {
	Text     string
	At       time.Time // a journal's own; of a file, when it was read
	Place    Place     // behind the line
	Before   string    // where to go on to read this line again: as Place.At of the line before
	Severity string    // "" for info
	Dropped  int       // lines that journald says it has dropped, and the line is that word
}

// Place is a place behind a line. Within one ID, Seq only grows.
type Place struct {
	ID  string `json:"id,omitempty"`  // of the journal's sequence, or of the file
	Seq uint64 `json:"seq,omitempty"` // the entry's number, or the offset
	At  string `json:"at,omitempty"`  // what a reader goes on from: a cursor, or a File's place as text
}

// passed tells whether the place is at or before another one of the same ID.
func (p Place) passed(other Place) bool { return p.ID == other.ID && p.Seq <= other.Seq }

// Severities of lines; those of PRIORITY are mapped to these three.
const (
	Info     = "info"
	Warning  = "warning"
	Critical = "critical"
)

// Bounds of a line's text, in bytes. What is longer is cut, which a mark shows.
const (
	longestLine   = 64 << 10
	longestReason = 512
	longestLabel  = 256
)

// cutMark stands where text was cut.
const cutMark = "…"

// cut is a text of so many bytes at most, and a mark where it was longer. It cuts
// between characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := most
	for end > most-4 && s[end]&0xc0 == 0x80 {
		end--
	}
	return s[:end] + cutMark
}
