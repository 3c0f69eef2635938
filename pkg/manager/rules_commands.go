package manager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/rules"
)

// RuleList is the document {"rules":[…]}: the rules, and how they stand.
type RuleList struct {
	Rules []RuleState `json:"rules"`
}

// RuleState is one rule and how it stands.
type RuleState struct {
	Name       string `json:"name"`
	When       string `json:"when"`
	For        string `json:"for,omitempty"`
	Do         string `json:"do"`
	MinDelay   string `json:"min_delay"`
	MaxPerHour int    `json:"max_per_hour"`
	// Fired is how often it fired within the last hour, and Last when it did last.
	Fired int        `json:"fired"`
	Last  *time.Time `json:"last_fired,omitempty"`
	// Waiting are the names of what it waits for to stay as it is.
	Waiting []string `json:"waiting,omitempty"`
}

// RuleTests is the document {"tests":[…]}: what the rules would do about events.
type RuleTests struct {
	Tests []RuleTest `json:"tests"`
}

// RuleTest is what the rules would do about one event.
type RuleTest struct {
	Event heartbeat.Event `json:"event"`
	Rules []RuleVerdict   `json:"rules"`
}

// RuleVerdict is what one rule would do about an event, or why nothing.
type RuleVerdict struct {
	Rule    string        `json:"rule"`
	Matches bool          `json:"matches"`
	Differs []string      `json:"differs,omitempty"` // where it does not match: what differs
	Verdict rules.Verdict `json:"verdict,omitempty"`
	Reason  string        `json:"reason,omitempty"`
	Until   *time.Time    `json:"until,omitempty"` // when it may fire
	Cluster string        `json:"cluster,omitempty"`
	Do      string        `json:"do"`
	Hold    string        `json:"hold,omitempty"` // what would keep it from being started
}

// listRules answers with the rules and how they stand.
func (m *Manager) listRules(ctx context.Context, c command.Command) command.Result {
	state, err := m.rules.turner.State(ctx)
	if err != nil {
		return command.Fail(c, command.StoreFailure, err)
	}
	list, now := RuleList{Rules: []RuleState{}}, time.Now()
	for _, r := range m.rules.list {
		one := RuleState{Name: r.Name, When: r.When.String(), Do: r.Do.String(), MinDelay: r.MinDelay.String(), MaxPerHour: r.MaxPerHour}
		if r.For > 0 {
			one.For = r.For.String()
		}
		for _, f := range state.Fired[r.Name] {
			if now.Sub(f.At) < time.Hour {
				one.Fired++
			}
			one.Last = when(f.At)
		}
		for _, w := range state.Waiting {
			if w.Rule == r.Name && !w.Fired {
				one.Waiting = append(one.Waiting, w.Event.Key.Name)
			}
		}
		list.Rules = append(list.Rules, one)
	}
	return command.Result{Command: c, Code: command.OK, Body: list}
}

// when is a time of a document, to the second; nil for none.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}

// testRules answers with what the rules would do about the events of a document, as if
// they came now. Nothing is logged, queued or remembered.
func (m *Manager) testRules(ctx context.Context, c command.Command) command.Result {
	var doc struct {
		Events []json.RawMessage `json:"events"`
	}
	if err := json.Unmarshal([]byte(c.Document), &doc); err != nil || len(doc.Events) == 0 {
		return command.Fail(c, command.NotUnderstood, errors.New("cannot test rules: no event is given; give the file of one, or of {\"events\":[…]}"))
	}
	if len(m.rules.list) == 0 {
		return command.Fail(c, command.NothingMatches, errors.New("cannot test rules: the configuration has none"))
	}
	view, err := m.ledger.Look(ctx)
	if err != nil && !errors.As(err, new(*ledger.Unshared)) {
		return command.Fail(c, command.StoreFailure, err)
	}
	status, unseen := m.recorded(ctx)
	now := time.Now()
	out := RuleTests{Tests: []RuleTest{}}
	for n, raw := range doc.Events {
		e, err := m.complete(c, raw, now)
		if err != nil {
			return command.Fail(c, command.NotUnderstood, fmt.Errorf("cannot test event %d: %w", n+1, err))
		}
		said, err := m.rules.turner.Explain(ctx, e, now)
		if err != nil {
			return command.Fail(c, command.StoreFailure, err)
		}
		out.Tests = append(out.Tests, RuleTest{e, m.ruleVerdicts(e, said, view, status)})
	}
	r := command.Result{Command: c, Code: command.OK, Body: out}
	if err = errors.Join(err, unseen); err != nil {
		r.Code, r.Reason = command.StoreFailure, oneLine(err)
	}
	return r
}

// ruleVerdicts are what rules would do about an event, and what holds would keep back
// of it.
func (m *Manager) ruleVerdicts(e heartbeat.Event, said []rules.Explained, view ledger.View, status heartbeat.Status) []RuleVerdict {
	var out []RuleVerdict
	for _, x := range said {
		v := RuleVerdict{
			Rule: x.Rule, Matches: x.Matches, Differs: x.Mismatches, Verdict: x.Verdict, Reason: x.Reason,
			Until: when(x.Until), Cluster: x.Cluster, Do: x.What,
		}
		if x.Do.Level != "" {
			if hold, held := view.Queue.HeldBy(m.rules.turner.Draft(x.Rule, x.Cluster, x.Do, e), status, view.Now); held {
				v.Hold = hold.String()
			}
		}
		out = append(out, v)
	}
	return out
}
