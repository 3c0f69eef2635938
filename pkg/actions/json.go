package actions

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// wireDraft is an action as somebody asks for it: the seed's six fields, and
// what of ours can be asked for.
type wireDraft struct {
	DoAction   string            `json:"do_action"`
	DoGroup    string            `json:"do_group"`
	DoLevel    string            `json:"do_level"`
	EventIP    string            `json:"event_ip,omitempty"`
	EventState string            `json:"event_state,omitempty"`
	EventType  heartbeat.Kind    `json:"event_type,omitempty"`
	After      []ID              `json:"after,omitempty"`
	Cluster    string            `json:"cluster,omitempty"`
	Expires    time.Time         `json:"expires,omitzero"`
	Instance   string            `json:"instance,omitempty"`
	NotBefore  time.Time         `json:"not_before,omitzero"`
	Plan       string            `json:"plan,omitempty"`
	Require    map[string]string `json:"require,omitempty"`
}

// wireAction is a queued action.
type wireAction struct {
	wireDraft
	AskedBy  wireAsker    `json:"asked_by"`
	Created  time.Time    `json:"created"`
	ID       ID           `json:"id"`
	Progress wireProgress `json:"progress"`
	State    State        `json:"state,omitempty"` // derived; written for readers, never read
}

type wireAsker struct {
	Command string `json:"command,omitempty"`
	Where   string `json:"where,omitempty"`
	Who     string `json:"who,omitempty"`
}

type wireProgress struct {
	Cancelled bool         `json:"cancelled,omitempty"`
	Claims    []*wireClaim `json:"claims,omitempty"`
	Done      bool         `json:"done,omitempty"`
	Ended     time.Time    `json:"ended,omitzero"`
	Epoch     uint64       `json:"epoch"`
	Failure   *wireFailure `json:"failure,omitempty"`
	Renewed   time.Time    `json:"renewed,omitzero"`
}

type wireClaim struct {
	Beat  uint64    `json:"beat"`
	Ended bool      `json:"ended,omitempty"`
	Epoch uint64    `json:"epoch"`
	Lasts span      `json:"lasts"`
	Owner string    `json:"owner"`
	Since time.Time `json:"since,omitzero"`
	Try   uint64    `json:"try"`
}

type wireFailure struct {
	Delay     span      `json:"delay"`
	Epoch     uint64    `json:"epoch"`
	Error     string    `json:"error"`
	Final     bool      `json:"final,omitempty"`
	NotBefore time.Time `json:"not_before,omitzero"`
	Times     uint64    `json:"times"`
	Try       uint64    `json:"try"`
}

// span is a duration, written as "1m30s".
type span time.Duration

func (d span) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *span) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err == nil && v < 0 {
		err = fmt.Errorf("%s is negative", b)
	}
	*d = span(v)
	return err
}

// ReadDrafts reads the seed's document, in which every action is a draft. An
// entry that cannot be read is named and stands as a zero Action among the
// others, so that references by number keep their meaning; an unknown key is a
// mistake, not an addition.
func ReadDrafts(doc []byte) ([]Action, []Bad, error) {
	var w struct {
		Actions []json.RawMessage `json:"actions"`
	}
	if err := strict(doc, &w); err != nil {
		return nil, nil, fmt.Errorf("cannot read actions: %w", err)
	}
	if w.Actions == nil {
		return nil, nil, errors.New(`cannot read actions: there is no "actions"`)
	}
	drafts := make([]Action, len(w.Actions))
	var bad []Bad
	for n, raw := range w.Actions {
		var d wireDraft
		err := strict(raw, &d)
		if err == nil {
			drafts[n], err = d.action()
		}
		if err != nil {
			bad = append(bad, Bad{n + 1, err})
		}
	}
	return drafts, bad, nil
}

// strict decodes the whole of b and refuses unknown keys.
func strict(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var odd *json.UnmarshalTypeError
	switch err := dec.Decode(v); {
	case errors.As(err, &odd):
		return fmt.Errorf("%s is of type %s", cmp.Or(odd.Field[strings.LastIndexByte(odd.Field, '.')+1:], "it"), odd.Value) // without our names of types
	case err != nil:
		return err
	}
	if dec.More() {
		return errors.New("something follows the document")
	}
	return nil
}

func draftOf(a *Action) wireDraft {
	d := wireDraft{
		DoAction: a.Do.Action, DoGroup: a.Do.Group, DoLevel: a.Do.Level, EventState: a.When.State, EventType: a.When.Kind,
		After: a.After, Cluster: a.Cluster, Expires: a.Expires, Instance: a.Instance, NotBefore: a.NotBefore, Plan: a.Plan, Require: a.Require,
	}
	if a.When.IP.IsValid() {
		d.EventIP = a.When.IP.String()
	}
	return d
}

func (d wireDraft) action() (Action, error) {
	a := Action{
		Cluster: d.Cluster, Plan: d.Plan, When: Trigger{Kind: d.EventType, State: d.EventState},
		Do:       command.Command{Level: d.DoLevel, Action: d.DoAction, Group: d.DoGroup},
		Instance: d.Instance, NotBefore: plain(d.NotBefore), Expires: plain(d.Expires),
	}
	if len(d.After) > 0 {
		a.After = d.After
	}
	if len(d.Require) > 0 {
		a.Require = d.Require
	}
	if d.EventIP != "" {
		ip, err := netip.ParseAddr(d.EventIP)
		if err != nil {
			return Action{}, fmt.Errorf("event_ip %q is not an ip", d.EventIP)
		}
		a.When.IP = ip
	}
	if a.Do.Level == "" || a.Do.Action == "" || a.Do.Group == "" {
		return Action{}, errors.New("do_level, do_action and do_group must all be given")
	}
	return a, nil
}

func actionOf(a *Action) wireAction {
	return wireAction{
		wireDraft: draftOf(a), AskedBy: askerOf(a.AskedBy), Created: a.Created, ID: a.ID, Progress: progressOf(a.Progress),
	}
}

func (w wireAction) action() (Action, error) {
	a, err := w.wireDraft.action()
	if err != nil {
		return Action{}, err
	}
	if w.ID.Writer == "" {
		return Action{}, errors.New("it has no id")
	}
	for _, id := range a.After {
		if id.Writer == "" {
			return Action{}, fmt.Errorf("it comes after %s, which is no id", id)
		}
	}
	a.ID, a.Created = w.ID, plain(w.Created)
	a.AskedBy = Asker{Who: w.AskedBy.Who, Where: w.AskedBy.Where, Command: w.AskedBy.Command}
	a.Progress, err = w.Progress.progress()
	return a, err
}

func askerOf(a Asker) wireAsker { return wireAsker{Command: a.Command, Where: a.Where, Who: a.Who} }
