package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// stateVersion is the version of the stored state this program writes.
const stateVersion = 1

// The stored state keeps times to the nanosecond, where events have milliseconds.
type (
	wireState struct {
		Version int                    `json:"version"`
		Place   json.RawMessage        `json:"place"`
		Waiting []wireWaiting          `json:"waiting,omitempty"`
		Fired   map[string][]wireFired `json:"fired,omitempty"`
		Kept    []wireKept             `json:"kept,omitempty"`
		Outbox  []wireDecision         `json:"outbox,omitempty"`
		Acting  []wireActing           `json:"acting,omitempty"`
	}
	wireKey struct {
		Cluster string         `json:"cluster,omitempty"`
		Kind    heartbeat.Kind `json:"type"`
		Name    string         `json:"name"`
	}
	wireWaiting struct {
		Rule  string          `json:"rule"`
		Event heartbeat.Event `json:"event"`
		Since time.Time       `json:"since"`
		Fired bool            `json:"fired,omitempty"`
	}
	wireFired struct {
		Key wireKey   `json:"of"`
		At  time.Time `json:"at"`
	}
	wireKept struct {
		Rule  string    `json:"rule"`
		Key   wireKey   `json:"of"`
		Times int       `json:"times"`
		At    time.Time `json:"at"`
	}
	wireDecision struct {
		Rule     string            `json:"rule"`
		Verdict  Verdict           `json:"verdict"`
		Reason   string            `json:"reason,omitempty"`
		Event    heartbeat.Event   `json:"event"`
		Cluster  string            `json:"cluster,omitempty"`
		Level    string            `json:"level,omitempty"`
		Action   string            `json:"action,omitempty"`
		Group    string            `json:"group,omitempty"`
		What     string            `json:"what"`
		At       time.Time         `json:"at"`
		Severity string            `json:"severity,omitempty"`
		Labels   map[string]string `json:"labels,omitempty"`
	}
	wireActing struct {
		ID    actions.ID      `json:"action"`
		Event heartbeat.Event `json:"event"`
	}
)

// Encode gives the bytes to store of a state and a place, which is JSON.
func (s State) Encode(place json.RawMessage) ([]byte, error) {
	w := wireState{Version: stateVersion, Place: place, Fired: map[string][]wireFired{}}
	for _, x := range s.Waiting {
		w.Waiting = append(w.Waiting, wireWaiting(x))
	}
	for rule, list := range s.Fired {
		for _, f := range list {
			w.Fired[rule] = append(w.Fired[rule], wireFired{wireKey(f.Key), f.At})
		}
	}
	for _, k := range s.Kept {
		w.Kept = append(w.Kept, wireKept{k.Rule, wireKey(k.Key), k.Times, k.At})
	}
	for _, d := range s.Outbox {
		w.Outbox = append(w.Outbox, wireDecision{
			Rule: d.Rule, Verdict: d.Verdict, Reason: d.Reason, Event: d.Event, Cluster: d.Cluster, Level: d.Do.Level, Action: d.Do.Action,
			Group: d.Do.Group, What: d.What, At: d.At, Severity: d.Severity, Labels: d.Labels,
		})
	}
	for _, a := range s.Acting {
		w.Acting = append(w.Acting, wireActing(a))
	}
	b, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("cannot encode the state of rules: %w", err)
	}
	return b, nil
}

// DecodeState reads what Encode gave. What cannot be read, or comes from a later
// version, is an error, so that nobody writes over it.
func DecodeState(b []byte) (State, json.RawMessage, error) {
	var w wireState
	err := json.Unmarshal(b, &w)
	switch {
	case err != nil:
	case w.Version > stateVersion:
		err = fmt.Errorf("written by a newer clmgr (version %d, this one knows up to %d)", w.Version, stateVersion)
	case w.Version < 1:
		err = errors.New("it has no version")
	}
	if err != nil {
		return State{}, nil, fmt.Errorf("cannot read the state of rules: %w", err)
	}
	s := State{Fired: make(map[string][]Fired, len(w.Fired))}
	for _, x := range w.Waiting {
		s.Waiting = append(s.Waiting, Waiting(x))
	}
	for rule, list := range w.Fired {
		for _, f := range list {
			s.Fired[rule] = append(s.Fired[rule], Fired{heartbeat.Key(f.Key), f.At})
		}
	}
	for _, k := range w.Kept {
		s.Kept = append(s.Kept, Kept{k.Rule, heartbeat.Key(k.Key), k.Times, k.At})
	}
	for _, d := range w.Outbox {
		s.Outbox = append(s.Outbox, Decision{
			Rule: d.Rule, Verdict: d.Verdict, Reason: d.Reason, Event: d.Event, Cluster: d.Cluster, What: d.What, At: d.At,
			Do: command.Command{Level: d.Level, Action: d.Action, Group: d.Group}, Severity: d.Severity, Labels: d.Labels,
		})
	}
	for _, a := range w.Acting {
		s.Acting = append(s.Acting, Acting(a))
	}
	return s, w.Place, nil
}
