package actions

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Encoder writes out one queue after the other, and each action that did not
// change in between only once. The zero Encoder is ready.
type Encoder struct{ known map[*Action][]byte }

// Encode gives the bytes to store: the same for the same queue.
func (q *Queue) Encode() ([]byte, error) { return new(Encoder).Encode(q) }

// Encode is Queue.Encode.
func (e *Encoder) Encode(q *Queue) ([]byte, error) {
	head := wireHead{Version: queueVersion, Marks: q.marks}
	if head.Marks == nil {
		head.Marks = map[string]uint64{}
	}
	tail, err := q.tail()
	if err != nil {
		return nil, err
	}
	first, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("cannot encode queue: %w", err)
	}
	last, err := json.Marshal(tail)
	if err != nil {
		return nil, fmt.Errorf("cannot encode queue: %w", err)
	}
	list, err := e.actions(q)
	if err != nil {
		return nil, err
	}
	size := len(first) + len(last) + len(list) + len(`,"actions":[]`)
	for _, raw := range list {
		size += len(raw)
	}
	out := append(make([]byte, 0, size), first[:len(first)-1]...)
	out = append(out, `,"actions":[`...)
	for n, raw := range list {
		if n > 0 {
			out = append(out, ',')
		}
		out = append(out, raw...)
	}
	out = append(out, ']')
	if len(last) > len(`{}`) {
		out = append(out, ',')
	}
	return append(out, last[1:]...), nil
}

// actions encodes those of q, in their order.
func (e *Encoder) actions(q *Queue) ([][]byte, error) {
	list := slices.SortedFunc(maps.Values(q.actions), byAge)
	out := make([][]byte, 0, len(list))
	known := make(map[*Action][]byte, len(list))
	for _, a := range list {
		raw := e.known[a]
		if raw == nil {
			var err error
			if raw, err = json.Marshal(actionOf(a)); err != nil {
				return nil, fmt.Errorf("cannot encode queue: action %s: %w", a.ID, err)
			}
		}
		known[a] = raw
		out = append(out, raw)
	}
	e.known = known
	return out, nil
}

// tail is what stands behind the actions.
func (q *Queue) tail() (wireTail, error) {
	t := wireTail{Held: q.held}
	for _, id := range slices.SortedFunc(maps.Keys(q.holds), ID.Compare) {
		h := q.holds[id]
		raw, err := json.Marshal(holdOf(h))
		if err != nil {
			return t, fmt.Errorf("cannot encode queue: hold %s: %w", id, err)
		}
		t.Holds = append(t.Holds, raw)
	}
	for _, u := range q.unread {
		t.Unread = append(t.Unread, wireUnread{u.Raw, u.Why})
	}
	return t, nil
}
