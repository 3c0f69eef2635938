package logs

import "fmt"

// order watches that no entry of the journal is missing. journald numbers all that it
// writes, into whichever file, while the machine is up; each file has the ID of its
// sequence.
type order struct {
	first bool            // the first entry has come
	last  cursor          // the one before
	known map[string]bool // IDs that entries had
}

// next takes the next entry, and says why some may be missing before it: how many, 0
// where that is not known, and in words, "" where none are.
func (o *order) next(c cursor) (missing int, reason string) {
	last, first := o.last, !o.first
	if o.known == nil {
		o.known = map[string]bool{last.id: true}
	}
	known := o.known[c.id]
	o.first, o.last, o.known[c.id] = true, c, true
	if last.seq > c.seq && last.id != c.id && last.boot == c.boot {
		o.last.seq = last.seq // an older file that is read late
	}
	ahead := 0
	if known && c.seq > last.seq+1 && (first || c.boot == last.boot) {
		ahead = int(min(c.seq-last.seq-1, 1<<40)) //nolint:gosec // bounded
	}
	switch {
	case last.id == "":
		return 0, "" // all of the journal was asked for
	case first && ahead > 0:
		return ahead, fmt.Sprintf("%d entries of the journal are gone, and some of these lines may be among them", ahead)
	case first:
		return 0, "the entry that was read last is gone from the journal, and lines after it may be too"
	case ahead > 0:
		return ahead, fmt.Sprintf("%d entries were removed from the journal before they were read, and some of these lines may be among them", ahead)
	}
	return 0, ""
}
