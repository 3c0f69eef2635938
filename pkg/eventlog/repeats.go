package eventlog

// rememberedIDs is how many ids a reader remembers, some two megabytes.
const rememberedIDs = 1 << 14

// repeats remembers the last ids that were read.
type repeats struct {
	known map[string]struct{}
	order []string // a ring once it is full
	next  int      // the oldest one then
}

// first tells whether id is not one of the last, and remembers it.
func (r *repeats) first(id string) bool {
	if _, found := r.known[id]; found {
		return false
	}
	if r.known == nil {
		r.known = map[string]struct{}{}
	}
	if len(r.order) < rememberedIDs {
		r.order = append(r.order, id)
	} else {
		delete(r.known, r.order[r.next])
		r.order[r.next] = id
		r.next = (r.next + 1) % rememberedIDs
	}
	r.known[id] = struct{}{}
	return true
}
