package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/manager"
)

// actionTable prints actions for a person: one as a story, several as a table. Of
// none it speaks only where all went well, else the reason says more.
func (a *app) actionTable(d actions.Document, r command.Result) error {
	text := ""
	switch {
	case r.Command.Action == "show" && len(d.Actions) == 1:
		text = actionStory(d, d.Actions[0])
	case len(d.Actions) > 0:
		text = a.actionList(d)
	case r.Code == command.OK:
		text = "no actions"
	default:
		return nil
	}
	_, err := fmt.Fprintln(a.out, text)
	return err
}

func (a *app) actionList(d actions.Document) string {
	clusters, plans := false, false
	for _, x := range d.Actions {
		clusters = clusters || x.Cluster != d.Actions[0].Cluster
		plans = plans || x.Plan != ""
	}
	head := []string{"ID", "DO", "WHEN", "STATE", "REASON"}
	if plans {
		head = slices.Insert(head, 1, "PLAN")
	}
	t := a.newTable(clusters, head...)
	for _, x := range d.Actions {
		state := a.paint(string(x.State()), x.State() == actions.Done, x.State() == actions.Waiting || x.State() == actions.Running)
		cells := []string{x.ID.String(), manager.DoText(x), whenText(x), state, reasonOf(x, d.Verdicts[x.ID])}
		if plans {
			cells = slices.Insert(cells, 1, dash(x.Plan))
		}
		t.row(x.Cluster, cells...)
	}
	return t.render()
}

// whenText is what an action waits for, in the width of a column.
func whenText(x actions.Action) string {
	switch {
	case x.When.Kind == heartbeat.Services:
		return "services at " + x.When.IP.String() + ": " + x.When.State
	case x.When != (actions.Trigger{}):
		return x.When.IP.String() + " " + x.When.State
	case len(x.After) > 0:
		return "after " + idList(x.After)
	case x.Plan != "":
		return "its turn"
	}
	return "at once"
}

func idList(ids []actions.ID) string {
	var words []string
	for _, id := range ids {
		words = append(words, id.String())
	}
	return strings.Join(words, ", ")
}

// reasonOf says why an action does not start, or how it ended.
func reasonOf(x actions.Action, v actions.Verdict) string {
	failed := x.Progress.Failure.Times
	switch {
	case v.Due:
		return "is due with the next heartbeat"
	case x.State() == actions.Failed && failed > 1 && v.Reason != "":
		return "failed " + count(failed, "time") + ": " + v.Reason
	case v.Reason != "":
		return v.Reason
	case x.State().Finished():
		return "since " + moment(x.Progress.Ended)
	}
	return ""
}

// holdTable prints holds for a person. Where not all could be seen it does not say
// that there are none.
func (a *app) holdTable(d actions.HoldList, r command.Result) error {
	switch {
	case len(d.Holds) == 0 && r.Code != command.OK:
		return nil
	case len(d.Holds) == 0:
		_, err := fmt.Fprintln(a.out, "nothing is held")
		return err
	}
	t := a.newTable(slices.ContainsFunc(d.Holds, func(h actions.Hold) bool { return h.Cluster != "" }), "GROUP", "BY", "SINCE", "UNTIL", "REASON")
	for _, h := range d.Holds {
		until := "release"
		switch {
		case !h.Released.IsZero():
			until = "released " + moment(h.Released)
		case !h.Until.IsZero():
			until = moment(h.Until)
		}
		t.row(cmp.Or(h.Cluster, "every"), h.Group, h.By.Who, moment(h.At), until, h.Reason)
	}
	_, err := fmt.Fprintln(a.out, t.render())
	return err
}

// queueLines are what a heartbeat tells of the queue, below what it saw.
func (a *app) queueLines(b manager.Beat) string {
	var parts []string
	section := func(title string, lines []string) {
		if len(lines) > 0 {
			parts = append(parts, strings.Join(append([]string{title}, lines...), "\n"))
		}
	}
	var held, failed []string
	for _, h := range b.Holds {
		held = append(held, "  "+a.paint(h.String(), false, true))
	}
	for _, x := range b.Failed {
		failed = append(failed, "  "+a.paint(fmt.Sprintf("%s %s: %s", x.ID, manager.DoText(x), x.Progress.Failure.Err), false, false))
	}
	section("HELD, until clmgr release", held)
	section("ACTED", a.actedLines(b))
	section("FAILED, until clmgr actions retry or cancel", failed)
	var open []string
	if b.Waiting > 0 {
		open = append(open, fmt.Sprintf("%d waiting", b.Waiting))
	}
	if b.Running > 0 {
		open = append(open, fmt.Sprintf("%d running", b.Running))
	}
	if len(open) > 0 {
		parts = append(parts, "actions: "+strings.Join(open, ", ")+"; clmgr actions list tells why")
	}
	return strings.Join(parts, "\n\n")
}

// actedLines tell what was done to actions. Why one was given up stands among those
// that failed.
func (a *app) actedLines(b manager.Beat) []string {
	var lines []string
	for _, t := range b.Acted {
		if t.Move == actions.MoveClaim {
			continue // how it ended says more
		}
		text := fmt.Sprintf("%s %s: %s", t.Action.ID, manager.DoText(t.Action), moveText(t.Move, t.Reason))
		listed := slices.ContainsFunc(b.Failed, func(x actions.Action) bool { return x.ID == t.Action.ID })
		if t.Reason != "" && !listed {
			text += ": " + t.Reason
		}
		lines = append(lines, "  "+a.paint(text, t.Move == actions.MoveFinish, t.Move == actions.MoveFail))
	}
	return lines
}

// moveText is a move as a person says it. An attempt that met something in its way
// says itself that it was no failure.
func moveText(m actions.Move, reason string) string {
	again := strings.HasPrefix(reason, (&actions.Wait{}).Error()) || strings.HasPrefix(reason, (&actions.Retry{}).Error())
	switch m {
	case actions.MoveClaim:
		return "begun"
	case actions.MoveFinish:
		return "done"
	case actions.MoveFail:
		if again {
			return "not yet"
		}
		return "failed, is tried again"
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
