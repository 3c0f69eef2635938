package turn

import (
	"context"
	"errors"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/rules"
)

// passed is what became of a decision that was to be queued.
type passed struct {
	id     actions.ID
	reason string // why it was not queued
}

// deliver passes on what is in the outbox, and empties it.
func (t *Turner) deliver(ctx context.Context, s held, now time.Time, out *Result) (held, error) {
	if len(s.Outbox) == 0 {
		return s, nil
	}
	became, unshared, err := t.queue(ctx, s.Outbox, now)
	if err != nil {
		return s, err
	}
	if ids := idsOf(became); t.o.Queued != nil && len(ids) > 0 {
		t.o.Queued(ids)
	}
	next := s
	next.Outbox, next.Acting = nil, append([]rules.Acting(nil), s.Acting...)
	told := make([]heartbeat.Event, 0, len(s.Outbox))
	for n, d := range s.Outbox {
		id := became[n].id
		if became[n].reason != "" {
			d.Verdict, d.Reason = rules.Refused, became[n].reason
		}
		e := d.Told(t.o.Manager)
		if id != (actions.ID{}) {
			e.Labels["action"] = id.String()
			out.Queued = append(out.Queued, id)
			if t.o.Acknowledge != nil && wantsToKnow(d.Event) {
				next.Acting = append(next.Acting, rules.Acting{ID: id, Event: d.Event})
			}
		}
		told = append(told, e)
	}
	if err := t.o.Tell(ctx, told); err != nil {
		return s, err
	}
	out.Told = append(out.Told, told...)
	out.Warning = errors.Join(out.Warning, unshared)
	return next, t.store(ctx, next)
}

// idsOf are the actions that decisions became.
func idsOf(list []passed) []actions.ID {
	var out []actions.ID
	for _, p := range list {
		if p.id != (actions.ID{}) {
			out = append(out, p.id)
		}
	}
	return out
}

// queue queues those of the decisions that are to be, each once, and returns what
// became of each. What could not be shared yet is queued all the same.
func (t *Turner) queue(ctx context.Context, list []rules.Decision, now time.Time) (became []passed, unshared, err error) {
	became = make([]passed, len(list))
	own, err := t.o.Ledger.Own(ctx)
	if err != nil {
		return nil, nil, err
	}
	asked := make(map[string]actions.ID)
	for _, a := range own.All() {
		asked[a.AskedBy.Command] = a.ID
	}
	var requests []actions.Request
	var of []int // the decision of each request
	for n, d := range list {
		id, before := asked[d.Asked()]
		switch {
		case d.Verdict != rules.Queue:
		case before:
			became[n].id = id
		case now.Sub(d.At) > t.o.Keep:
			became[n].reason = "it could not be queued in time"
		default:
			requests, of = append(requests, t.request(d)), append(of, n)
		}
	}
	if len(requests) == 0 {
		return became, nil, nil
	}
	receipts, err := t.o.Ledger.AddAll(ctx, requests)
	if errors.As(err, new(*ledger.Unshared)) {
		unshared, err = err, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for i, n := range of {
		for _, a := range receipts[i].Added {
			became[n].id = a.ID
		}
		for _, b := range receipts[i].Bad {
			became[n].reason = b.Err.Error()
		}
	}
	return became, unshared, nil
}

// request is what is queued for a decision.
func (t *Turner) request(d rules.Decision) actions.Request {
	return actions.Request{
		Drafts: []actions.Action{t.Draft(d.Rule, d.Cluster, d.Do, d.Event)}, Words: t.o.Words,
		AskedBy: actions.Asker{Who: "rule " + d.Rule, Where: t.o.Manager, Command: d.Asked()},
	}
}

// Draft is the action that a rule has queued for an event.
func (t *Turner) Draft(rule, cluster string, do command.Command, e heartbeat.Event) actions.Action {
	draft := actions.Action{Cluster: cluster, Do: do}
	if do.Level != actions.Scripts {
		if t.o.Require != nil {
			draft.Require = t.o.Require(rule, do)
		}
		return draft
	}
	draft.Require = map[string]string{
		actions.RequireManager: t.o.Manager, actions.RequireAbout: e.Key.Name, actions.RequireDocument: document(e),
	}
	if e.IP.IsValid() {
		draft.Require[actions.RequireAboutIP] = e.IP.String()
	}
	return draft
}
