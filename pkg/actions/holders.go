package actions

import (
	"maps"
	"slices"
)

// Confirm records in a shared copy that disk, the own copy of the manager with
// that writer, holds what it holds: from then on that manager can bring it back.
func (q *Queue) Confirm(writer string, disk *Queue) {
	q.held = mergeHeld(q.held, map[string]map[string]uint64{writer: disk.marks})
}

// Holders returns the writers of the managers that hold the action on their own
// disks, as far as they have confirmed it. While one of them comes back, the
// action is not lost.
func (q *Queue) Holders(id ID) []string {
	var out []string
	for manager, marks := range q.held {
		if marks[id.Writer] >= id.Seq {
			out = append(out, manager)
		}
	}
	slices.Sort(out)
	return out
}

// mergeHeld takes the higher mark of each pair.
func mergeHeld(a, b map[string]map[string]uint64) map[string]map[string]uint64 {
	if len(b) == 0 {
		return a
	}
	out := make(map[string]map[string]uint64, len(a)+1)
	maps.Copy(out, a)
	for manager, marks := range b {
		if len(marks) == 0 {
			continue
		}
		next := make(map[string]uint64, len(marks))
		maps.Copy(next, out[manager])
		for w, n := range marks {
			next[w] = max(next[w], n)
		}
		out[manager] = next
	}
	return out
}
