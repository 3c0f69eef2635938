package logs

import (
	"strconv"
	"strings"
	"time"
)

// entry is one entry of a journal.
type entry struct {
	cursor                       cursor
	at                           time.Time
	message                      string
	priority                     string
	unit                         string // that logged it
	about, object, dumped        string // the unit that the manager, journald or the core dumper speaks of
	pid, uid, messageID, dropped string
}

// journalFields are the fields that entry is made of, beside those that are always
// there.
const journalFields = "MESSAGE,PRIORITY,_SYSTEMD_UNIT,UNIT,OBJECT_SYSTEMD_UNIT,COREDUMP_UNIT,_PID,_UID,MESSAGE_ID,N_DROPPED"

// messageDropped is the MESSAGE_ID of journald's word that it has dropped lines of a
// unit (SD_MESSAGE_JOURNAL_DROPPED of sd-messages.h).
const messageDropped = "a596d6fe7bfa4994828e72309e95d61e"

// set takes one field. What names repeat all the time, and so is interned.
func (e *entry) set(name string, value []byte, names *names) {
	switch name {
	case "__CURSOR":
		e.cursor = parseCursor(value, names)
	case "__REALTIME_TIMESTAMP":
		if us, err := strconv.ParseInt(string(value), 10, 64); err == nil {
			e.at = time.UnixMicro(us)
		}
	case "MESSAGE":
		e.message = string(value)
	case "PRIORITY":
		e.priority = names.of(value)
	case "_SYSTEMD_UNIT":
		e.unit = names.of(value)
	case "UNIT":
		e.about = names.of(value)
	case "OBJECT_SYSTEMD_UNIT":
		e.object = names.of(value)
	case "COREDUMP_UNIT":
		e.dumped = names.of(value)
	case "_PID":
		e.pid = names.of(value)
	case "_UID":
		e.uid = names.of(value)
	case "MESSAGE_ID":
		e.messageID = names.of(value)
	case "N_DROPPED":
		e.dropped = string(value)
	}
}

// units are the units that an entry belongs to, as journalctl -u has it: who logged
// it, and of whom those speak that may be believed.
func (e *entry) units() [3]string {
	out := [3]string{e.unit}
	if e.pid == "1" && e.about != e.unit {
		out[1] = e.about
	}
	if e.uid == "0" {
		if other := e.object + e.dumped; other != e.unit && other != out[1] { // never both
			out[2] = other
		}
	}
	return out
}

// severity maps the priorities of syslog.
func (e *entry) severity() string {
	switch e.priority {
	case "0", "1", "2", "3":
		return Critical
	case "4":
		return Warning
	}
	return Info
}

// line is the entry as a line. Before is the place of the entry before it.
func (e *entry) line(before string) Line {
	l := Line{
		Text: e.message, At: e.at, Before: before, Severity: e.severity(),
		Place: Place{ID: e.cursor.id, Seq: e.cursor.seq, At: e.cursor.text},
	}
	if e.messageID == messageDropped && e.uid == "0" {
		l.Dropped, _ = strconv.Atoi(e.dropped)
	}
	return l
}

// cursor is a place in a journal, as systemd writes it:
// s=ID;i=SEQUENCE;b=BOOT;m=MONOTONIC;t=REALTIME;x=HASH, the numbers in hex. All
// entries that one journald writes are numbered together.
type cursor struct {
	text, id, boot string
	seq            uint64
}

// parseCursor reads a cursor; one that is none is the zero cursor.
func parseCursor(text []byte, names *names) cursor {
	c := cursor{text: string(text)}
	for part := range strings.SplitSeq(c.text, ";") {
		key, value, ok := strings.Cut(part, "=")
		if !ok || strings.Trim(value, "0123456789abcdef") != "" {
			return cursor{}
		}
		switch key {
		case "s":
			c.id = names.of([]byte(value))
		case "b":
			c.boot = names.of([]byte(value))
		case "i":
			c.seq, _ = strconv.ParseUint(value, 16, 64)
		}
	}
	if c.id == "" || c.seq == 0 {
		return cursor{}
	}
	return c
}

// names are strings that are met again and again, each kept once.
type names map[string]string

// most is how many are kept.
const mostNames = 4096

func (n *names) of(b []byte) string {
	if s, ok := (*n)[string(b)]; ok {
		return s
	}
	if *n == nil || len(*n) >= mostNames {
		*n = names{}
	}
	s := string(b)
	(*n)[s] = s
	return s
}
