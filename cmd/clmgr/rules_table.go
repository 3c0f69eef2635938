package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/clmgr/clmgr/pkg/manager"
)

// ruleTable prints rules for a person.
func (a *app) ruleTable(d manager.RuleList) error {
	if len(d.Rules) == 0 {
		_, err := fmt.Fprintln(a.out, "no rules")
		return err
	}
	t := a.newTable(false, "RULE", "DO", "FOR", "MIN DELAY", "LAST HOUR", "LAST", "WAITS FOR", "WHEN")
	for _, r := range d.Rules {
		last := "-"
		if r.Last != nil {
			last = moment(*r.Last)
		}
		t.row("", r.Name, r.Do, dash(r.For), r.MinDelay, strconv.Itoa(r.Fired)+" of "+strconv.Itoa(r.MaxPerHour), last,
			dash(strings.Join(r.Waiting, " ")), r.When)
	}
	_, err := fmt.Fprintln(a.out, t.render())
	return err
}

// ruleTestTable prints what rules would do about events, for a person.
func (a *app) ruleTestTable(d manager.RuleTests) error {
	var parts []string
	for _, test := range d.Tests {
		t := a.newTable(false, "RULE", "VERDICT", "DO", "REASON")
		for _, v := range test.Rules {
			verdict := string(v.Verdict)
			if !v.Matches {
				verdict = "no match"
			}
			t.row("", v.Rule, verdict, v.Do, ruleReason(v))
		}
		parts = append(parts, test.Event.String()+"\n"+t.render())
	}
	_, err := fmt.Fprintln(a.out, strings.Join(parts, "\n\n"))
	return err
}

// ruleReason is why a rule comes to what it does.
func ruleReason(v manager.RuleVerdict) string {
	reasons := v.Differs
	if v.Reason != "" {
		reasons = append(reasons, v.Reason)
	}
	if v.Until != nil {
		reasons = append(reasons, "until "+moment(*v.Until))
	}
	if v.Hold != "" {
		reasons = append(reasons, v.Hold)
	}
	return dash(strings.Join(reasons, "; "))
}
