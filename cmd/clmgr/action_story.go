package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/manager"
)

// actionStory tells all that is known of one action: what it is, then what happened
// and what will, by its time, and how it stands.
func actionStory(d actions.Document, x actions.Action) string {
	lines := []string{fmt.Sprintf("Action %s of cluster %s: %s", x.ID, x.Cluster, manager.DoText(x))}
	for _, fact := range storyFacts(d, x) {
		lines = append(lines, "  "+fact)
	}
	for _, c := range chapters(x) {
		lines = append(lines, "  "+moment(c.at)+"  "+c.text)
	}
	return strings.Join(append(lines, "Now "+standing(x, d.Verdicts[x.ID])), "\n")
}

// storyFacts are what is so whenever it is asked.
func storyFacts(d actions.Document, x actions.Action) []string {
	var facts []string
	if x.Plan != "" {
		facts = append(facts, fmt.Sprintf("is part of plan %s, in the order of its numbers", x.Plan))
	}
	if len(x.After) > 0 {
		facts = append(facts, "comes after "+idList(x.After))
	}
	if x.When != (actions.Trigger{}) {
		fact := "waits for " + x.When.String()
		if x.Instance != "" {
			fact += ", as long as that is machine " + x.Instance
		}
		facts = append(facts, fact)
	}
	if h := d.Holders[x.ID]; len(h) > 0 {
		facts = append(facts, "is on the disks of "+strings.Join(h, ", "))
	}
	return facts
}

// chapter is what happened, or will, at a time.
type chapter struct {
	at   time.Time
	text string
}

func chapters(x actions.Action) []chapter {
	p := x.Progress
	waits := x.State() == actions.Waiting
	out := []chapter{{x.Created, fmt.Sprintf("asked for by %s at %s: %s", x.AskedBy.Who, x.AskedBy.Where, x.AskedBy.Command)}}
	add := func(at time.Time, is bool, text string) {
		if is && !at.IsZero() {
			out = append(out, chapter{at, text})
		}
	}
	for _, c := range slices.Backward(p.Claims[:]) {
		text := fmt.Sprintf("attempt %d by %s", c.Try, c.Owner)
		if c.Epoch > 0 {
			text = fmt.Sprintf("attempt %d since retry %d, by %s", c.Try, c.Epoch, c.Owner)
		}
		if !c.Ended {
			text += ", not known to be over"
		}
		add(c.Since, c.Try > 0, text)
	}
	add(p.Renewed, true, "retried")
	add(p.Ended, true, string(x.State()))
	add(x.NotBefore, waits, "is not to start before then")
	add(p.Failure.NotBefore, waits && p.Failure.Epoch == p.Epoch, "is tried again from then on")
	add(x.Deadline(), waits, "is parked if it still waits then")
	slices.SortStableFunc(out, func(a, b chapter) int { return a.at.Compare(b.at) })
	return out
}

// standing is how an action stands, and why.
func standing(x actions.Action, v actions.Verdict) string {
	f := x.Progress.Failure
	text := string(x.State())
	switch {
	case v.Due:
		text += ", and due with the next heartbeat"
	case v.Reason != "":
		text += ": " + v.Reason
	}
	if f.Epoch != x.Progress.Epoch || x.State().Finished() {
		return text
	}
	if f.Err != "" && !strings.Contains(v.Reason, f.Err) {
		text += "\nThe last attempt: " + f.Err
	}
	if f.Times > 0 {
		text += "\nAttempts that failed: " + fmt.Sprint(f.Times)
	}
	return text
}
