package actions

// Merge joins two copies. It does not matter in which order and how often
// copies are merged. An entry that only one copy has is kept if it is new to
// the other, and dropped if the other has seen it: there it was pruned.
func Merge(a, b *Queue) *Queue {
	out := &Queue{
		actions: make(map[ID]*Action, max(len(a.actions), len(b.actions))),
		holds:   make(map[ID]Hold, max(len(a.holds), len(b.holds))),
		marks:   make(map[string]uint64, max(len(a.marks), len(b.marks))),
		held:    mergeHeld(a.held, b.held),
		unread:  addUnread(a.unread, b.unread...),
	}
	for _, marks := range []map[string]uint64{a.marks, b.marks} {
		for w, n := range marks {
			out.marks[w] = max(out.marks[w], n)
		}
	}
	join(out.actions, a.actions, b.actions, b.Seen, mergeAction)
	only(out.actions, b.actions, a.actions, a.Seen)
	join(out.holds, a.holds, b.holds, b.Seen, mergeHold)
	only(out.holds, b.holds, a.holds, a.Seen)
	return out
}

// join puts into out what a holds: merged where b has it too, dropped where b
// has pruned it.
func join[V any](out, a, b map[ID]V, pruned func(ID) bool, merge func(V, V) V) {
	for id, v := range a {
		if w, both := b[id]; both {
			out[id] = merge(v, w)
		} else if !pruned(id) {
			out[id] = v
		}
	}
}

// only puts into out what a holds and b has never seen.
func only[V any](out, a, b map[ID]V, pruned func(ID) bool) {
	for id, v := range a {
		if _, both := b[id]; !both && !pruned(id) {
			out[id] = v
		}
	}
}

func mergeAction(a, b *Action) *Action {
	if a == b {
		return a // copies of one queue share what they did not change
	}
	p := a.Progress.merge(b.Progress)
	if compareFixed(a, b) < 0 {
		a = b
	}
	if p != a.Progress {
		next := *a
		next.Progress = p
		a = &next
	}
	return a
}
