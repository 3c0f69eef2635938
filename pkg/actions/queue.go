package actions

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Queue is a document of actions and holds. The zero Queue is empty. What it
// holds is never changed in place, only replaced, so copies share it.
type Queue struct {
	actions map[ID]*Action // what they point to never changes
	holds   map[ID]Hold
	marks   map[string]uint64            // the highest number seen of each writer
	held    map[string]map[string]uint64 // by manager: the marks its own disk has reached
	unread  []Unread                     // in the order of bytes, each once
}

// Unread is an entry of a stored queue that could not be read. It is carried
// along as it is, so that nobody writes over what he does not understand.
type Unread struct {
	Raw []byte
	Why string
	// What could be told of it, else empty.
	ID      ID
	Cluster string
	Plan    string
}

// Len returns how many actions there are.
func (q *Queue) Len() int { return len(q.actions) }

// Get returns one action.
func (q *Queue) Get(id ID) (Action, bool) {
	if a, ok := q.actions[id]; ok {
		return *a, true
	}
	return Action{}, false
}

// Mark returns the highest number seen of a writer.
func (q *Queue) Mark(writer string) uint64 { return q.marks[writer] }

// Seen tells whether the action was ever in this copy; one that is no longer
// was pruned.
func (q *Queue) Seen(id ID) bool { return id.Seq <= q.marks[id.Writer] }

// Unread returns the entries that could not be read.
func (q *Queue) Unread() []Unread { return q.unread }

// All returns the actions in the order in which they were asked for.
func (q *Queue) All() []Action {
	out := make([]Action, 0, len(q.actions))
	for _, a := range q.actions {
		out = append(out, *a)
	}
	slices.SortFunc(out, func(a, b Action) int { return byAge(&a, &b) })
	return out
}

// byAge orders by who came first, as far as the clocks of several managers can
// tell; those of one writer in the order of their ids.
func byAge(a, b *Action) int {
	return cmp.Or(a.Created.Compare(b.Created), a.ID.Compare(b.ID))
}

// Clone returns a copy that can be changed on its own.
func (q *Queue) Clone() *Queue {
	return &Queue{actions: maps.Clone(q.actions), holds: maps.Clone(q.holds), marks: maps.Clone(q.marks), held: q.held, unread: q.unread}
}

// Change replaces the progress of one action by what f makes of it. An error of
// f changes nothing and is returned as it is.
func (q *Queue) Change(id ID, f func(Action) (Progress, error)) error {
	a, ok := q.actions[id]
	switch {
	case !ok && q.Seen(id):
		return fmt.Errorf("cannot change action %s: it is over and forgotten", id)
	case !ok:
		return fmt.Errorf("cannot change action %s: there is none", id)
	}
	next := *a
	p, err := f(next)
	if err != nil {
		return err
	}
	next.Progress = p
	q.actions[id] = &next
	return nil
}

// put adds an action or a hold that has its id.
func (q *Queue) put(a Action) { q.putShared(&a) }

// putShared adds an action that other queues may hold too.
func (q *Queue) putShared(a *Action) {
	if q.actions == nil {
		q.actions = make(map[ID]*Action)
	}
	q.actions[a.ID] = a
	q.note(a.ID)
}

func (q *Queue) putHold(h Hold) {
	if q.holds == nil {
		q.holds = make(map[ID]Hold)
	}
	q.holds[h.ID] = h
	q.note(h.ID)
}

func (q *Queue) note(id ID) {
	if q.marks == nil {
		q.marks = make(map[string]uint64)
	}
	q.marks[id.Writer] = max(q.marks[id.Writer], id.Seq)
}

// next returns the writer's next id.
func (q *Queue) next(writer string) ID { return ID{Writer: writer, Seq: q.marks[writer] + 1} }

// addUnread keeps the list in order and each entry once.
func addUnread(list []Unread, more ...Unread) []Unread {
	if len(more) == 0 {
		return list
	}
	out := append(slices.Clone(list), more...)
	slices.SortFunc(out, func(a, b Unread) int { return cmp.Or(bytes.Compare(a.Raw, b.Raw), cmp.Compare(a.Why, b.Why)) })
	return slices.CompactFunc(out, func(a, b Unread) bool { return bytes.Equal(a.Raw, b.Raw) })
}

// Equal tells whether both copies hold the same.
func (q *Queue) Equal(o *Queue) bool {
	return maps.Equal(q.marks, o.marks) &&
		maps.EqualFunc(q.held, o.held, maps.Equal) &&
		maps.EqualFunc(q.holds, o.holds, func(a, b Hold) bool { return compareHold(a, b) == 0 && a.Released.Equal(b.Released) }) &&
		maps.EqualFunc(q.actions, o.actions, equalAction) &&
		slices.EqualFunc(q.unread, o.unread, func(a, b Unread) bool { return bytes.Equal(a.Raw, b.Raw) && a.Why == b.Why })
}

func equalAction(a, b *Action) bool {
	return a == b || a.Progress == b.Progress && compareFixed(a, b) == 0
}
