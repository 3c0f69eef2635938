package logs

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"
)

// filePlace is a place in a file that may be renamed, copied and cut off.
type filePlace struct {
	gen    uint64 // counts the files, so that the same offset later is another place
	id     string // device and inode; "" for a file that is not there yet
	offset int64
	mark   int    // how many bytes before the offset are known
	sum    uint64 // their hash
	skip   bool   // the rest of the line belongs to one that was too long
}

// longestMark is how much is known of what stands before a place.
const longestMark = 64

func (p filePlace) String() string {
	return fmt.Sprintf("%d:%s:%d:%d:%x:%t", p.gen, p.id, p.offset, p.mark, p.sum, p.skip)
}

func parseFilePlace(s string) (filePlace, error) {
	var p filePlace
	f := strings.Split(s, ":")
	bad := fmt.Errorf("%q is no place in a file", s)
	if len(f) != 6 {
		return p, bad
	}
	p.id = f[1]
	if _, err := fmt.Sscan(f[0], &p.gen); err != nil {
		return p, bad
	}
	if _, err := fmt.Sscanf(strings.Join(f[2:], " "), "%d %d %x %t", &p.offset, &p.mark, &p.sum, &p.skip); err != nil {
		return p, bad
	}
	if p.offset < 0 || p.mark < 0 || p.mark > longestMark || int64(p.mark) > p.offset {
		return p, bad
	}
	return p, nil
}

// place is the place as lines have it.
func (p filePlace) place() Place {
	return Place{ID: fmt.Sprintf("%d:%s", p.gen, p.id), Seq: uint64(p.offset), At: p.String()} //nolint:gosec // not negative
}

// from is where a read begins that is to show that the place is still there.
func (p filePlace) from() int64 { return p.offset - int64(p.mark) }

// fits tells whether what was read from there begins with what was before the place.
func (p filePlace) fits(data []byte) bool {
	return len(data) >= p.mark && sum(data[:p.mark]) == p.sum
}

// moved is the place n bytes further on, in data that begins where a read began.
func (p filePlace) moved(data []byte, n int) filePlace {
	end := p.mark + n
	known := data[max(0, end-longestMark):end]
	p.offset += int64(n)
	p.mark, p.sum = len(known), sum(known)
	return p
}

func sum(b []byte) uint64 {
	h := fnv.New64a()
	h.Write(b)
	return h.Sum64()
}

// fresh is the beginning of the next file.
func (p filePlace) fresh(id string) filePlace {
	return filePlace{gen: p.gen + 1, id: id, sum: sum(nil)}
}

// fileInfo is a file as it was seen.
type fileInfo struct {
	path string // "" for one that has no name any more, but is still open
	id   string // device and inode
	size int64
	at   time.Time // it was changed
}

// compressed are the ends of names of files that cannot be read as they are.
func (i fileInfo) compressed() bool {
	for _, end := range []string{".gz", ".xz", ".bz2", ".zst", ".lz4"} {
		if strings.HasSuffix(i.path, end) {
			return true
		}
	}
	return false
}

// candidates are the files in which the place may be, the likeliest first: that of the
// same inode, then copies of it, the newest first.
func candidates(list []fileInfo, p filePlace) []fileInfo {
	var out []fileInfo
	for _, i := range list {
		if i.size >= p.offset && !i.compressed() && (i.id == p.id || p.mark > 0) {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b fileInfo) int {
		if (a.id == p.id) != (b.id == p.id) {
			if a.id == p.id {
				return -1
			}
			return 1
		}
		return b.at.Compare(a.at)
	})
	return out
}

// following is the file that comes after one that was read to its end: the oldest that
// was changed after it, and where there is none the one at the path, if that is there.
func following(list []fileInfo, path string, done fileInfo) (fileInfo, bool) {
	var later []fileInfo
	for _, i := range list {
		if i.path == path && i.path != done.path {
			later = append(later, i)
		} else if i.id != done.id && !i.compressed() && i.at.After(done.at) {
			later = append(later, i)
		}
	}
	if len(later) == 0 {
		return fileInfo{}, false
	}
	return slices.MinFunc(later, func(a, b fileInfo) int {
		if (a.path == path) != (b.path == path) { // the one at the path is the last
			if a.path == path {
				return 1
			}
			return -1
		}
		return cmp.Or(a.at.Compare(b.at), strings.Compare(a.path, b.path))
	}), true
}
