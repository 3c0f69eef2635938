package manager

import (
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/alert"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/rules"
)

// An alert of a rule with a time lasts until that is over; one without is told once.
func TestAlertsOfRules(t *testing.T) {
	down, err := rules.ParsePattern("down")
	if err != nil {
		t.Fatal(err)
	}
	rule := rules.Rule{
		Name: "r", When: rules.When{State: down}, Do: rules.Do{Alert: &rules.Alert{Severity: "warning", Labels: map[string]string{"team": "db"}}},
	}
	begin := time.Now()
	told := func(r rules.Rule) []heartbeat.Event {
		in := rules.Input{Rules: []rules.Rule{r}, Now: begin, Groups: map[string]map[string]bool{"c": {}}}
		s := rules.State{}.Decide(in, []heartbeat.Event{said(heartbeat.Services, "db1", "down", "1", nil)}, true)
		in.Now = begin.Add(time.Minute)
		s = s.Decide(in, nil, true)
		s = s.Decide(in, []heartbeat.Event{said(heartbeat.Services, "db1", "up", "2", nil)}, true)
		var out []heartbeat.Event
		for _, d := range s.Outbox {
			out = append(out, d.Told("mgr"))
		}
		return out
	}
	once := told(rule)
	if len(once) != 1 || alert.Judge(once[0]) != (alert.Judgement{Notice: alert.Warning}) {
		t.Errorf("without a time: %+v", once)
	}
	rule.For = 30 * time.Second
	lasting := told(rule)
	if len(lasting) != 2 || alert.Judge(lasting[0]) != (alert.Judgement{Opens: alert.Warning}) || alert.Judge(lasting[1]) != (alert.Judgement{Ends: true}) {
		t.Errorf("with a time: %+v", lasting)
	}
	for _, e := range append(once, lasting...) {
		if e.Labels["team"] != "db" {
			t.Errorf("labels: %v", e.Labels)
		}
	}
	if len(rule.Do.Alert.Labels) != 1 {
		t.Errorf("the rule itself has changed: %v", rule.Do.Alert.Labels)
	}
}
