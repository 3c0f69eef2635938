package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/manager"
)

// actionTable prints actions for a person: one as a story, several as a table.
func (a *app) actionTable(d actions.Document, story bool) error {
	var err error
	switch {
	case story && len(d.Actions) == 1:
		_, err = fmt.Fprintln(a.out, a.actionStory(d, d.Actions[0]))
	case len(d.Actions) == 0:
		_, err = fmt.Fprintln(a.out, "no actions")
	default:
		_, err = fmt.Fprintln(a.out, a.actionList(d))
	}
	return err
}

func (a *app) actionList(d actions.Document) string {
	clusters, plans := false, false
	for _, x := range d.Actions {
		clusters = clusters || x.Cluster != d.Actions[0].Cluster
		plans = plans || x.Plan != ""
	}
	t := a.newTable(clusters, "ID", "PLAN", "DO", "WHEN", "STATE", "TRIES", "REASON")
	for _, x := range d.Actions {
		when := "at once"
		if x.When != (actions.Trigger{}) {
			when = x.When.String()
		}
		v := d.Verdicts[x.ID]
		state := a.paint(string(x.State()), x.State() == actions.Done, x.State() == actions.Waiting || x.State() == actions.Running)
		t.row(x.Cluster, x.ID.String(), dash(x.Plan), manager.DoText(x), when, state, fmt.Sprint(x.Progress.Failure.Times), reasonOf(x, v))
	}
	return t.render()
}

// reasonOf says why an action does not start, or how it ended.
func reasonOf(x actions.Action, v actions.Verdict) string {
	switch {
	case v.Due:
		return "is due with the next heartbeat"
	case v.Reason != "":
		return v.Reason
	case x.State() == actions.Done, x.State() == actions.Cancelled:
		return "since " + moment(x.Progress.Ended)
	}
	return ""
}

// actionStory tells all that is known of one action, in the order in which it happened.
func (a *app) actionStory(d actions.Document, x actions.Action) string {
	p := x.Progress
	lines := []string{
		fmt.Sprintf("Action %s of cluster %s: %s", x.ID, x.Cluster, manager.DoText(x)),
		fmt.Sprintf("  %s  asked for by %s at %s: %s", moment(x.Created), x.AskedBy.Who, x.AskedBy.Where, x.AskedBy.Command),
	}
	add := func(format string, args ...any) { lines = append(lines, "  "+fmt.Sprintf(format, args...)) }
	if x.Plan != "" {
		add("is part of plan %s, in the order of its numbers", x.Plan)
	}
	for _, id := range x.After {
		add("comes after %s", id)
	}
	if x.When != (actions.Trigger{}) {
		bound := ""
		if x.Instance != "" {
			bound = ", as long as that is machine " + x.Instance
		}
		add("waits for %s%s", x.When, bound)
	}
	for _, c := range slices.Backward(p.Claims[:]) {
		if c.Try == 0 {
			continue
		}
		ended := "has not said that it stopped"
		if c.Ended {
			ended = "has stopped"
		}
		add("%s  attempt %d of round %d by %s, which %s", moment(c.Since), c.Try, c.Epoch+1, c.Owner, ended)
	}
	if f := p.Failure; f.Err != "" {
		add("failed %s so far; the last attempt: %s", count(f.Times, "time"), f.Err)
		if !f.NotBefore.IsZero() && x.State() == actions.Waiting {
			add("%s  is tried again from then on", moment(f.NotBefore))
		}
	}
	if !p.Renewed.IsZero() {
		add("%s  was retried", moment(p.Renewed))
	}
	if !p.Ended.IsZero() {
		add("%s  %s", moment(p.Ended), x.State())
	}
	if d := x.Deadline(); !d.IsZero() && x.State() == actions.Waiting {
		add("%s  is parked if it still waits then", moment(d))
	}
	if h := d.Holders[x.ID]; len(h) > 0 {
		add("is on the disks of %s", strings.Join(h, ", "))
	}
	now := "Now it is " + string(x.State())
	if r := d.Verdicts[x.ID]; r.Due {
		now += ", and due with the next heartbeat"
	} else if r.Reason != "" {
		now += ": " + r.Reason
	}
	return strings.Join(append(lines, now), "\n")
}

// holdTable prints holds for a person.
func (a *app) holdTable(d actions.HoldList) error {
	if len(d.Holds) == 0 {
		_, err := fmt.Fprintln(a.out, "nothing is held")
		return err
	}
	t := a.newTable(false, "GROUP", "CLUSTER", "BY", "SINCE", "UNTIL", "STATE", "REASON")
	for _, h := range d.Holds {
		until, state := "released", "held"
		if !h.Until.IsZero() {
			until = moment(h.Until)
		}
		if !h.Released.IsZero() {
			state = "released"
		}
		t.row("", h.Group, dash(h.Cluster), h.By.Who, moment(h.At), until, state, h.Reason)
	}
	_, err := fmt.Fprintln(a.out, t.render())
	return err
}

// queueLines are what a heartbeat tells of the queue, below what it saw.
func (a *app) queueLines(b manager.Beat) string {
	var lines []string
	for _, h := range b.Holds {
		lines = append(lines, a.paint(h.String(), false, true))
	}
	if len(b.Acted) > 0 {
		lines = append(lines, "DONE")
	}
	for _, t := range b.Acted {
		if t.Move == actions.MoveClaim {
			continue // how it ended says more
		}
		text := fmt.Sprintf("  %s %s: %s", t.Action.ID, manager.DoText(t.Action), moveText(t.Move))
		if t.Reason != "" {
			text += ": " + t.Reason
		}
		lines = append(lines, a.paint(text, t.Move == actions.MoveFinish, false))
	}
	for _, x := range b.Failed {
		lines = append(lines, a.paint(fmt.Sprintf("failed %s %s: %s; clmgr actions retry %s tries it again", x.ID, manager.DoText(x), x.Progress.Failure.Err, x.ID), false, false))
	}
	if b.Waiting+b.Running > 0 {
		lines = append(lines, fmt.Sprintf("%s, %s; clmgr actions list", count(b.Waiting, "action")+" waiting", count(b.Running, "action")+" running"))
	}
	return strings.Join(lines, "\n")
}

// moveText is a move as a person says it.
func moveText(m actions.Move) string {
	switch m {
	case actions.MoveFinish:
		return "done"
	case actions.MoveFail:
		return "to be tried again"
	case actions.MoveGiveUp:
		return "given up"
	case actions.MovePark:
		return "parked"
	case actions.MoveLapse:
		return "its owner is gone"
	case actions.MoveCancel:
		return "cancelled"
	case actions.MoveStop:
		return "stopped"
	}
	return string(m)
}

// count says how many.
func count[N int | uint64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// moment writes a time for a person.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
