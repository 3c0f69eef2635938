package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/plan"
)

// planTable prints plans for a person, a step a line.
func (a *app) planTable(d plan.Document) error {
	if len(d.Plans) == 0 {
		return nil // the reason says more
	}
	t := a.newTable(slices.ContainsFunc(d.Plans, func(p plan.Plan) bool { return p.Cluster != d.Plans[0].Cluster }),
		"SERVICE", "STEP", "ON", "STATE", "REASON")
	steps, done := 0, 0
	for _, p := range d.Plans {
		name := p.Service
		for _, s := range p.Steps {
			steps++
			if s.State == plan.StepDone {
				done++
			}
			t.row(p.Cluster, name, s.Do.Level+" "+s.Do.Action, s.Do.Group, a.paint(string(s.State), s.State == plan.StepDone, s.State == plan.StepWaits), cmp.Or(s.Reason, "-"))
			name = ""
		}
	}
	if _, err := fmt.Fprintln(a.out, t.render()); err != nil {
		return err
	}
	for _, p := range d.Plans {
		for n, change := range p.Changes {
			if _, err := fmt.Fprintf(a.out, "%s%s: %s\n", []string{"\n", ""}[min(n, 1)], p.Service, change); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(a.out, "\n%d steps, %d of them done; nothing was changed\n", steps, done)
	return err
}

// waitingWords count what a command waits for.
func waitingWords(c command.Command) string {
	if c.Level == "services" {
		return "%d of %d steps done"
	}
	return "%d of %d machines done"
}
