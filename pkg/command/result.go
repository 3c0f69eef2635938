package command

import (
	"encoding/json"
	"fmt"
)

// Result is the answer to a Command. Body is the document asked for; it is
// encoded first, and code, reason, command and level stand beside its fields.
type Result struct {
	Command Command
	Code    Code
	Reason  string    // why Code is not OK, one line
	At      *Position // where in the input the fault lies, for a document that was not understood
	Body    any       // encodes as a JSON object; nil for none
}

// Position is a place in a stream of documents, both counted from 1; Column
// counts bytes.
type Position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

// Fail returns the answer that says why nothing came of c.
func Fail(c Command, code Code, err error) Result {
	return Result{Command: c, Code: code, Reason: err.Error()}
}

// MarshalJSON gives one object: the fields of Body, then the answer's own.
func (r Result) MarshalJSON() ([]byte, error) {
	out := map[string]json.RawMessage{}
	if r.Body != nil {
		b, err := json.Marshal(r.Body)
		if err != nil {
			return nil, fmt.Errorf("cannot encode answer: %w", err)
		}
		if err := json.Unmarshal(b, &out); err != nil {
			return nil, fmt.Errorf("cannot encode answer: its body is not an object: %w", err)
		}
	}
	own := map[string]any{"code": r.Code}
	if r.Reason != "" {
		own["reason"] = r.Reason
	}
	if r.At != nil {
		own["position"] = r.At
	}
	if r.Command.Level != "" {
		own["level"] = r.Command.Level
		own["command"] = r.Command
	}
	for k, v := range own {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("cannot encode answer: %w", err)
		}
		out[k] = b
	}
	return json.Marshal(out)
}

// MarshalJSON gives the inner object of the seed, {"action","group","type"},
// with our additions where they are set.
func (c Command) MarshalJSON() ([]byte, error) {
	return json.Marshal(wire{
		Action: c.Action, Address: c.Address, After: c.After, Cluster: c.Cluster, Do: c.Do, Facts: c.Facts, For: c.For, Group: c.Group,
		ID: c.ID, Last: c.Last, NoAct: c.NoAct, Plan: c.Plan, Reason: c.Reason, State: c.State, Type: c.Type, Wait: c.Wait, DryRun: c.DryRun, When: c.When, Yes: c.Yes,
	})
}

// UnmarshalJSON reads what MarshalJSON wrote; the level stands elsewhere.
func (c *Command) UnmarshalJSON(b []byte) error {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("cannot read command: %w", err)
	}
	*c = Command{
		Level: c.Level, Action: w.Action, Group: w.Group, Type: w.Type, Cluster: w.Cluster, Last: w.Last, Facts: w.Facts, NoAct: w.NoAct,
		Wait: w.Wait, DryRun: w.DryRun, Yes: w.Yes, Address: w.Address, ID: w.ID, Plan: w.Plan, State: w.State, When: w.When, Do: w.Do, After: w.After,
		For: w.For, Reason: w.Reason,
	}
	return nil
}

type wire struct {
	Action  string `json:"action"`
	Address string `json:"address,omitempty"`
	After   string `json:"after,omitempty"`
	Cluster string `json:"cluster,omitempty"`
	Do      string `json:"do,omitempty"`
	DryRun  bool   `json:"dry_run,omitempty"`
	Facts   bool   `json:"facts,omitempty"`
	For     string `json:"for,omitempty"`
	Group   string `json:"group"`
	ID      string `json:"id,omitempty"`
	Last    bool   `json:"last,omitempty"`
	NoAct   bool   `json:"no_act,omitempty"`
	Plan    string `json:"plan,omitempty"`
	Reason  string `json:"reason,omitempty"`
	State   string `json:"state,omitempty"`
	Type    string `json:"type"`
	Wait    bool   `json:"wait,omitempty"`
	When    string `json:"when,omitempty"`
	Yes     bool   `json:"yes,omitempty"`
}
