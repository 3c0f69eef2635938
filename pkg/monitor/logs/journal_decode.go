package logs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// decoder reads the export format of journals (systemd.io/JOURNAL_EXPORT_FORMATS):
// fields as NAME=value and a newline, or NAME, a newline, the length as 64 bits little
// endian, the value and a newline; an empty line ends an entry. It takes the stream in
// pieces as they come, and keeps no more of a value than longestLine.
type decoder struct {
	entry entry
	begun bool // the entry has a field
	names names

	at    stage
	part  []byte // what has come of the present line or length
	name  string // of the present field
	value []byte // what is kept of a binary value
	left  uint64 // what is still to come of it
	long  bool   // the rest of the line is passed over

	bad int // lines that are none of the format
}

// stage is what comes next.
type stage int

const (
	inLine stage = iota
	inLength
	inValue
	afterValue
)

// largestField is more than journald takes (DATA_SIZE_MAX, 768 MiB): a longer one is
// none, and what was read is no journal.
const largestField = 1 << 30

var errNoJournal = errors.New("what journalctl prints is not in the export format")

// feed takes the next piece and hands over each entry that it ends. The entry is only
// good until each returns.
func (d *decoder) feed(piece []byte, each func(*entry)) error {
	for len(piece) > 0 {
		var err error
		switch d.at {
		case inLine:
			piece = d.lineFrom(piece, each)
		case inLength:
			piece, err = d.lengthFrom(piece)
		case inValue:
			piece = d.valueFrom(piece)
		case afterValue:
			if piece[0] != '\n' {
				return fmt.Errorf("%w: no newline after %s", errNoJournal, d.name)
			}
			d.entry.set(d.name, d.value, &d.names)
			d.at, piece = inLine, piece[1:]
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lineFrom takes the piece up to the end of the line.
func (d *decoder) lineFrom(piece []byte, each func(*entry)) []byte {
	end := bytes.IndexByte(piece, '\n')
	if end < 0 {
		d.hold(piece)
		return nil
	}
	line, rest := piece[:end], piece[end+1:]
	if len(d.part) > 0 || d.long {
		d.hold(line)
		line = d.part
	}
	d.field(line, each)
	d.part, d.long = d.part[:0], false
	return rest
}

// hold keeps the beginning of a line whose end has not come.
func (d *decoder) hold(text []byte) {
	if room := longestLine + 256 - len(d.part); len(text) > room {
		text, d.long = text[:max(room, 0)], true
	}
	d.part = append(d.part, text...)
}

func (d *decoder) field(line []byte, each func(*entry)) {
	if len(line) == 0 {
		if d.begun {
			each(&d.entry)
		}
		d.entry, d.begun = entry{}, false
		return
	}
	name, value, text := bytes.Cut(line, []byte{'='})
	switch {
	case !isField(name):
		d.bad++
	case text:
		d.begun = true
		d.entry.set(d.names.of(name), kept(value, d.long), &d.names)
	default:
		d.begun, d.name, d.at = true, d.names.of(name), inLength
	}
}

// kept is what is kept of a value, with a mark where it is longer.
func kept(value []byte, longer bool) []byte {
	if len(value) > longestLine {
		value, longer = value[:longestLine], true
	}
	if longer {
		return append(value[:len(value):len(value)], cutMark...)
	}
	return value
}

func (d *decoder) lengthFrom(piece []byte) ([]byte, error) {
	n := min(8-len(d.part), len(piece))
	d.part = append(d.part, piece[:n]...)
	if len(d.part) == 8 {
		d.left = binary.LittleEndian.Uint64(d.part)
		d.part, d.value, d.at = d.part[:0], d.value[:0], inValue
		if d.left > largestField {
			return nil, fmt.Errorf("%w: %s has %d bytes", errNoJournal, d.name, d.left)
		}
		if d.left == 0 {
			d.at = afterValue
		}
	}
	return piece[n:], nil
}

func (d *decoder) valueFrom(piece []byte) []byte {
	n := len(piece)
	if uint64(n) > d.left {
		n = int(d.left) //nolint:gosec // less than n
	}
	d.left -= uint64(n) //nolint:gosec // n is not negative
	if room := longestLine + 1 - len(d.value); room > 0 {
		d.value = append(d.value, piece[:min(n, room)]...)
	}
	if d.left == 0 {
		d.value, d.at = kept(d.value, false), afterValue
	}
	return piece[n:]
}

func isField(name []byte) bool {
	for _, c := range name {
		if c != '_' && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return len(name) > 0
}
