package eventlog

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
)

// recentBytes is how much of the end of the log is searched for the ids of a
// batch, besides twice the batch's own size: some thousand events, far more than
// other processes append between a lost acknowledgment and the second try.
const recentBytes = 1 << 20

// withoutRecent returns the batch without the entries that stand in the last
// window bytes of the log.
func (l *Log) withoutRecent(live *os.File, batch []Entry, window int64) ([]Entry, error) {
	present := map[string]bool{}
	for _, entry := range batch {
		present[entry.ID] = false
	}
	used, err := markPresent(live, window, present)
	if err != nil {
		return nil, err
	}
	rotated, _, err := l.rotated()
	if err != nil {
		return nil, err
	}
	for i := len(rotated) - 1; i >= 0 && used < window; i-- {
		file, _, err := l.open(l.rotatedPath(rotated[i]), os.O_RDONLY)
		if errors.Is(err, fs.ErrNotExist) {
			continue // somebody tidied up
		}
		if err != nil {
			return nil, err
		}
		n, err := markPresent(file, window-used, present)
		file.Close()
		if err != nil {
			return nil, err
		}
		used += n
	}
	fresh := batch[:0]
	for _, entry := range batch {
		if !present[entry.ID] {
			fresh = append(fresh, entry)
		}
	}
	return fresh, nil
}

// markPresent sets present for each of its ids that stands in a readable line
// that begins in the last window bytes of file. It returns how many bytes it
// looked at.
func markPresent(file *os.File, window int64, present map[string]bool) (int64, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	window = min(window, info.Size())
	// One byte more tells whether the first line begins in the window.
	from := max(0, info.Size()-window-1)
	text := make([]byte, info.Size()-from)
	if _, err := io.ReadFull(io.NewSectionReader(file, from, info.Size()), text); err != nil {
		return 0, err
	}
	ids := slices.Collect(maps.Keys(present))
	if from > 0 {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	for len(text) > 0 {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		text = rest
		if !whole {
			break // readers skip it too
		}
		if !mayHold(line, ids) {
			continue
		}
		entry, err := parseHead(line)
		if _, asked := present[entry.ID]; err == nil && asked {
			present[entry.ID] = true
		}
	}
	return window, nil
}

// mayHold tells whether a line has to be parsed to know that it holds none of
// the ids. It is for the usual batch, a few events, which else would take some
// hundred times as long to look for as to write.
func mayHold(line []byte, ids []string) bool {
	if len(ids) > 16 || bytes.IndexByte(line, '\\') >= 0 { // an id could be written with escapes
		return true
	}
	text := string(line)
	return slices.ContainsFunc(ids, func(id string) bool { return strings.Contains(text, id) })
}
