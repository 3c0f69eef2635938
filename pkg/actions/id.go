package actions

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// ID names an action or a hold. A writer is one state directory of one manager;
// it numbers what it writes from 1, without gaps. In drafts an ID without a
// writer means the Seq-th action of the same Add.
type ID struct {
	Writer string
	Seq    uint64
}

// maxWriter is the length above which a writer's name is refused, in bytes: it
// becomes part of the name of a systemd unit.
const maxWriter = 100

// String gives WRITER.SEQ, and #SEQ for an ID without a writer.
func (id ID) String() string {
	if id.Writer == "" {
		return "#" + strconv.FormatUint(id.Seq, 10)
	}
	return id.Writer + "." + strconv.FormatUint(id.Seq, 10)
}

// Compare orders ids by number, those of one number by writer.
func (id ID) Compare(other ID) int {
	return cmp.Or(cmp.Compare(id.Seq, other.Seq), strings.Compare(id.Writer, other.Writer))
}

// ParseID reads what String gave.
func ParseID(s string) (ID, error) {
	writer, number, found := "", "", false
	if rest, draft := strings.CutPrefix(s, "#"); draft {
		number, found = rest, true
	} else if dot := strings.LastIndexByte(s, '.'); dot > 0 {
		writer, number, found = s[:dot], s[dot+1:], true
	}
	seq, err := strconv.ParseUint(number, 10, 64)
	if !found || err != nil || seq == 0 || writer != "" && !writerOK(writer) || strconv.FormatUint(seq, 10) != number {
		return ID{}, fmt.Errorf("cannot read action id %q: want WRITER.NUMBER", s)
	}
	return ID{Writer: writer, Seq: seq}, nil
}

// writerOK tells whether a writer's name is made of letters, digits, '-', '_'
// and '.', which need no quoting anywhere.
func writerOK(s string) bool {
	for _, c := range []byte(s) {
		word := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !word && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return s != "" && len(s) <= maxWriter && s[0] != '.' && s[0] != '-'
}

// MarshalText gives String.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is ParseID.
func (id *ID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseID(string(b))
	return err
}
