package actions

import (
	"encoding/json"
	"time"
)

// Document is the seed's {"actions":[…]}: each action with its six fields, and
// with everything else if it was queued.
type Document struct {
	Actions  []Action
	Verdicts map[ID]Verdict  // of those that are not over: why they do not start
	Holders  map[ID][]string // the writers of the managers that hold them on disk
}

// wireTold is a queued action with what can be told of it.
type wireTold struct {
	wireAction
	Due     bool       `json:"due,omitempty"`
	HeldBy  []string   `json:"on_disk_of,omitempty"`
	Reason  string     `json:"reason,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
	Waiting string     `json:"why,omitempty"`
}

// MarshalJSON gives the document.
func (d Document) MarshalJSON() ([]byte, error) {
	list := make([]any, 0, len(d.Actions))
	for n := range d.Actions {
		a := &d.Actions[n]
		if a.ID == (ID{}) {
			list = append(list, draftOf(a))
			continue
		}
		w := wireTold{wireAction: actionOf(a), HeldBy: d.Holders[a.ID]}
		w.State = a.State()
		if v, ok := d.Verdicts[a.ID]; ok {
			w.Due, w.Waiting, w.Reason = v.Due, v.Why, v.Reason
			if !v.Until.IsZero() {
				w.Until = &v.Until
			}
		}
		list = append(list, w)
	}
	return json.Marshal(map[string]any{"actions": list})
}

// HoldList is the document {"holds":[…]}.
type HoldList struct{ Holds []Hold }

// MarshalJSON gives the document.
func (d HoldList) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"holds": d.List()})
}

// List returns what encodes as the list alone.
func (d HoldList) List() any {
	list := make([]wireHold, 0, len(d.Holds))
	for _, h := range d.Holds {
		list = append(list, holdOf(h))
	}
	return list
}
