package manager

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// addActions queues a document of the seed's shape, or the one action that the
// command describes. What is bad is named, and the rest queued. Without the record
// of what was seen, actions are queued unbound.
func (m *Manager) addActions(ctx context.Context, c command.Command) command.Result {
	return m.addAll(ctx, []command.Command{c})[0]
}

// addAll queues what commands ask for, in their order and with one write for all.
func (m *Manager) addAll(ctx context.Context, list []command.Command) []command.Result {
	status, unseen := m.recorded(ctx)
	out := make([]command.Result, len(list))
	bad := make([][]actions.Bad, len(list))
	var requests []actions.Request
	var of []int // the command of each request
	for n, c := range list {
		drafts, wrong, err := m.drafts(c)
		if err != nil {
			out[n] = command.Fail(c, command.NotUnderstood, err)
			continue
		}
		bad[n] = wrong
		requests = append(requests, actions.Request{
			Drafts: m.placed(c, drafts, status), InOrder: c.Document != "", AskedBy: m.asker(c), Words: m.words,
		})
		of = append(of, n)
	}
	if len(requests) == 0 {
		return out
	}
	receipts, err := m.ledger.AddAll(ctx, requests)
	for i, n := range of {
		if err != nil && !errors.As(err, new(*ledger.Unshared)) {
			out[n] = command.Fail(list[n], command.StoreFailure, err)
			continue
		}
		out[n] = m.added(list[n], receipts[i], bad[n], status, errors.Join(unseen, err))
	}
	return out
}

// placed are drafts that know their cluster and their machine, as far as it can be told.
func (m *Manager) placed(c command.Command, drafts []actions.Action, s heartbeat.Status) []actions.Action {
	for n := range drafts {
		if drafts[n].Cluster == "" {
			drafts[n].Cluster = m.clusterOf(c, drafts[n])
		}
		if drafts[n].Instance == "" {
			drafts[n] = actions.Bind(drafts[n], s)
		}
	}
	return drafts
}

// added answers with what was queued.
func (m *Manager) added(c command.Command, receipt ledger.Receipt, bad []actions.Bad, s heartbeat.Status, err error) command.Result {
	doc := actions.Document{Holders: receipt.Holders}
	if err == nil {
		doc.Verdicts = m.verdicts(receipt.View, s)
	}
	for _, a := range receipt.Added {
		queued, _ := receipt.View.Queue.Get(a.ID)
		doc.Actions = append(doc.Actions, queued)
	}
	r := command.Result{Command: c, Code: command.OK, Body: doc}
	var reasons []string
	if err != nil {
		r.Code, reasons = command.StoreFailure, append(reasons, oneLine(err))
	}
	for _, b := range worded(bad, receipt.Bad) {
		r.Code, reasons = command.NotUnderstood, append(reasons, b.Error())
	}
	r.Reason = oneLine(errors.New(strings.Join(reasons, "; ")))
	return r
}

// worded joins the two lists of bad entries; the first of an entry says most.
func worded(lists ...[]actions.Bad) []actions.Bad {
	var out []actions.Bad
	for _, list := range lists {
		for _, b := range list {
			if !slices.ContainsFunc(out, func(o actions.Bad) bool { return o.Entry == b.Entry }) {
				out = append(out, b)
			}
		}
	}
	slices.SortFunc(out, func(a, b actions.Bad) int { return a.Entry - b.Entry })
	return out
}

// drafts are what the command asks to queue.
func (m *Manager) drafts(c command.Command) ([]actions.Action, []actions.Bad, error) {
	if c.Document != "" {
		return actions.ReadDrafts([]byte(c.Document))
	}
	when, err := actions.ParseTrigger(c.When)
	if err != nil {
		return nil, nil, err
	}
	do, err := actions.ParseDo(c.Do)
	if err != nil {
		return nil, nil, err
	}
	a := actions.Action{When: when, Do: do, Cluster: c.Cluster, Plan: c.Plan}
	for _, text := range strings.FieldsFunc(c.After, func(r rune) bool { return r == ',' || r == ' ' }) {
		id, err := actions.ParseID(text)
		if err != nil {
			return nil, nil, err
		}
		a.After = append(a.After, id)
	}
	return []actions.Action{a}, nil, nil
}

// clusterOf is the cluster of an action that names none: the command's, or the
// only one that has what it is done to.
func (m *Manager) clusterOf(c command.Command, a actions.Action) string {
	if c.Cluster != "" {
		return c.Cluster
	}
	var found []string
	for name, groups := range m.words.Groups {
		if a.Do.Group != command.All && groups[a.Do.Group] || len(m.clusters) == 1 {
			found = append(found, name)
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return ""
}
