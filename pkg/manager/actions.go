package manager

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/actions/runner"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// input is what the queue is judged by after a look, or (nil) by what was recorded.
func (m *Manager) input(looked []seen) runner.Input { return runner.Input{Status: current(looked)} }

// listActions answers with the queue, or with what of it the command asks for.
func (m *Manager) listActions(ctx context.Context, c command.Command) command.Result {
	if c.Action == "show" && c.ID == "" {
		return command.Fail(c, command.NotUnderstood, errors.New("cannot show: no action is named; give an id"))
	}
	if err := knownState(c); err != nil {
		return command.Fail(c, command.NotUnderstood, err)
	}
	view, doc, err := m.tellActions(ctx, c)
	if err != nil && view.Queue == nil {
		return command.Fail(c, command.StoreFailure, err)
	}
	r := command.Result{Command: c, Code: command.OK, Body: doc}
	if c.ID != "" && len(doc.Actions) == 0 {
		return command.Fail(c, command.NoActions, fmt.Errorf("cannot show action %s: there is none, or it was over long ago", c.ID))
	}
	var reasons []string
	if err != nil {
		r.Code, reasons = command.StoreFailure, append(reasons, oneLine(err))
	}
	for _, u := range view.Queue.Unread() {
		reasons = append(reasons, "an entry cannot be read and is carried along: "+u.Why)
	}
	r.Reason = strings.Join(reasons, "; ")
	return r
}

// tellActions is the queue with why each action does not start, by what was recorded last.
func (m *Manager) tellActions(ctx context.Context, c command.Command) (ledger.View, actions.Document, error) {
	view, err := m.ledger.Look(ctx)
	if err != nil && !errors.As(err, new(*ledger.Unshared)) {
		return view, actions.Document{}, err
	}
	status, rerr := m.recorded(ctx)
	doc := actions.Document{Verdicts: m.verdicts(view, status), Holders: map[actions.ID][]string{}}
	for _, a := range view.Queue.All() {
		if chosenAction(c, a) {
			doc.Actions = append(doc.Actions, a)
			doc.Holders[a.ID] = view.Queue.Holders(a.ID)
		}
	}
	return view, doc, errors.Join(err, rerr)
}

// verdicts are why actions do not start, by what was recorded.
func (m *Manager) verdicts(v ledger.View, s heartbeat.Status) map[actions.ID]actions.Verdict {
	out := map[actions.ID]actions.Verdict{}
	for _, v := range m.runner.Explain(v, runner.Input{Status: s}).Verdicts {
		out[v.ID] = v
	}
	return out
}

// knownState refuses a state that no action can be in: a misspelt filter would
// choose nothing and look like a queue without such actions.
func knownState(c command.Command) error {
	states := []string{
		string(actions.Waiting), string(actions.Running), string(actions.Failed), string(actions.Cancelled), string(actions.Done), command.All,
	}
	if c.State != "" && !slices.Contains(states, c.State) {
		return fmt.Errorf("cannot %s: there is no state %q, only %s", c.Action, c.State, strings.Join(states, ", "))
	}
	return nil
}

// chosenAction tells whether the command's filters take an action. What is over is
// taken where it is asked for.
func chosenAction(c command.Command, a actions.Action) bool {
	group := c.Group == "" || c.Group == command.All || c.Group == a.Do.Group || c.Group == a.Cluster || c.Group == a.When.IP.String() || c.Group == a.Instance
	state := c.State == "" && (c.ID != "" || c.Plan != "" || !a.State().Finished()) || c.State == command.All || c.State == string(a.State())
	return group && state && (c.ID == "" || c.ID == a.ID.String()) && (c.Plan == "" || c.Plan == a.Plan) &&
		(c.Cluster == "" || c.Cluster == a.Cluster)
}

// changeActions retries or cancels one action, or those of a plan or a state.
func (m *Manager) changeActions(ctx context.Context, c command.Command) command.Result {
	if c.ID == "" && c.Plan == "" && c.State == "" {
		return command.Fail(c, command.NotUnderstood, fmt.Errorf("cannot %s: no action is named; give an id, --plan or --state", c.Action))
	}
	if err := knownState(c); err != nil {
		return command.Fail(c, command.NotUnderstood, err)
	}
	view, err := m.ledger.Look(ctx)
	if err != nil && !errors.As(err, new(*ledger.Unshared)) {
		return command.Fail(c, command.StoreFailure, err)
	}
	var ids []actions.ID
	for _, a := range view.Queue.All() {
		wanted := c.ID != "" || c.Action == "retry" && a.State() == actions.Failed || c.Action == "cancel" && !a.State().Finished()
		if chosenAction(c, a) && wanted {
			ids = append(ids, a.ID)
		}
	}
	if len(ids) == 0 {
		return command.Fail(c, command.NoActions, fmt.Errorf("cannot %s: no such action; clmgr actions list shows what there is", c.Action))
	}
	changed, refused, err := m.change(ctx, c.Action, ids)
	if err != nil {
		return command.Fail(c, command.StoreFailure, unchanged(c, err))
	}
	r := command.Result{Command: c, Code: command.OK, Body: changed}
	if len(refused) > 0 {
		r.Code, r.Reason = command.Refused, strings.Join(refused, "; ")
	}
	return r
}

// change makes the moves in one swap. A cancel takes the successors along.
func (m *Manager) change(ctx context.Context, verb string, ids []actions.ID) (actions.Document, []string, error) {
	var doc actions.Document
	var refused []string
	err := m.ledger.Change(ctx, verb, func(v ledger.View) error {
		doc, refused = actions.Document{}, nil
		var done []actions.ID
		for _, id := range ids {
			all := []actions.ID{id}
			var err error
			if verb == "cancel" {
				all, err = v.Queue.Cancel(id, v.Now)
			} else {
				err = v.Queue.Change(id, func(a actions.Action) (actions.Progress, error) { return a.Progress.Retry(v.Now) })
			}
			if err != nil {
				refused = append(refused, id.String()+": "+err.Error())
				continue
			}
			done = append(done, all...)
		}
		for _, id := range done {
			if a, ok := v.Queue.Get(id); ok && !slices.ContainsFunc(doc.Actions, func(b actions.Action) bool { return b.ID == id }) {
				doc.Actions = append(doc.Actions, a)
			}
		}
		return nil
	})
	return doc, refused, err
}

// unchanged says that a change was not kept: only what is added stays with a
// manager that cannot share it.
func unchanged(c command.Command, err error) error {
	var alone *ledger.Unshared
	if errors.As(err, &alone) && !alone.Unknown() {
		return fmt.Errorf("cannot %s: nothing was changed, the shared queue is out of reach: %w", c.Action, alone.Err)
	}
	return err
}

// clearActions empties the queue, if that is meant.
func (m *Manager) clearActions(ctx context.Context, c command.Command) command.Result {
	if !c.Yes {
		return command.Fail(c, command.Refused, fmt.Errorf("cannot empty the queue: refused by %s: every waiting action would be gone for good; say --yes (\"yes\": true) if that is meant", gateYes))
	}
	var doc actions.Document
	err := m.ledger.Change(ctx, "clear", func(v ledger.View) error {
		doc.Actions = v.Queue.All()
		*v.Queue = *v.Queue.Clear(v.Now)
		return nil
	})
	if err != nil {
		return command.Fail(c, command.StoreFailure, unchanged(c, err))
	}
	return command.Result{Command: c, Code: command.OK, Body: doc}
}

// holdFor reads how long a hold is to last.
func holdFor(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return time.Time{}, fmt.Errorf("cannot hold for %q: want a duration as in 90m or 2h", text)
	}
	return now.Add(d), nil
}
