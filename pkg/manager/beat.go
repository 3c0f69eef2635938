package manager

import (
	"encoding/json"
	"fmt"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/actions/runner"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Beat is the answer to a heartbeat: what was seen, what was done about it, and
// what stands in the queue.
type Beat struct {
	heartbeat.Document
	Acted []runner.Told
	Holds []actions.Hold
	// Failed are the actions that were given up, until somebody retries or cancels them.
	Failed []actions.Action
	// Waiting and Running are how many actions are in these states.
	Waiting, Running int
}

// stand fills in what stands in the queue.
func (b *Beat) stand(v ledger.View) {
	if v.Queue == nil {
		return
	}
	b.Holds = v.Queue.Holds(v.Now)
	for _, a := range v.Queue.All() {
		switch a.State() {
		case actions.Failed:
			b.Failed = append(b.Failed, a)
		case actions.Waiting:
			b.Waiting++
		case actions.Running:
			b.Running++
		}
	}
}

// wireActed is one thing that was done to an action.
type wireActed struct {
	Do      string        `json:"do"`
	ID      actions.ID    `json:"id"`
	Move    actions.Move  `json:"move"`
	Reason  string        `json:"reason,omitempty"`
	Seconds float64       `json:"seconds,omitempty"`
	State   actions.State `json:"state"`
}

// queueState is what stands in the queue, where anything does.
type queueState struct {
	Failed  int `json:"failed,omitempty"`
	Running int `json:"running,omitempty"`
	Waiting int `json:"waiting,omitempty"`
}

// MarshalJSON adds acted, holds and queue to the status document, each where
// there is any.
func (b Beat) MarshalJSON() ([]byte, error) {
	doc, err := json.Marshal(b.Document)
	if err != nil {
		return nil, err
	}
	var acted []wireActed
	for _, t := range b.Acted {
		acted = append(acted, wireActed{
			Do: DoText(t.Action), ID: t.Action.ID, Move: t.Move, Reason: t.Reason, Seconds: t.Took.Round(1e7).Seconds(), State: t.Action.State(),
		})
	}
	more := map[string]any{}
	if len(acted) > 0 {
		more["acted"] = acted
	}
	if len(b.Holds) > 0 {
		more["holds"] = actions.HoldList{Holds: b.Holds}.List()
	}
	if s := (queueState{len(b.Failed), b.Running, b.Waiting}); s != (queueState{}) {
		more["queue"] = s
	}
	if len(more) == 0 {
		return doc, nil
	}
	out := map[string]json.RawMessage{}
	if err := json.Unmarshal(doc, &out); err != nil {
		return nil, fmt.Errorf("cannot encode heartbeat: %w", err)
	}
	for k, v := range more {
		if out[k], err = json.Marshal(v); err != nil {
			return nil, fmt.Errorf("cannot encode heartbeat: %w", err)
		}
	}
	return json.Marshal(out)
}

// DoText is what an action does, as it is asked for: LEVEL:ACTION:GROUP.
func DoText(a actions.Action) string { return a.Do.Level + ":" + a.Do.Action + ":" + a.Do.Group }
