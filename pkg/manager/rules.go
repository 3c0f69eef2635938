package manager

import (
	"context"
	"errors"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/handlers"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/doctor"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/monitor"
	"github.com/clmgr/clmgr/pkg/rules"
	"github.com/clmgr/clmgr/pkg/rules/turn"
	"github.com/clmgr/clmgr/pkg/services"
)

// rulesOf are the rules of a manager, and who has them take their turn.
type rulesOf struct {
	list     []rules.Rule
	patience map[string]time.Duration // of the watchdogs among them, with what does not stop
	turner   *turn.Turner
}

// newRules makes the rules of the configuration.
func newRules(m *Manager) (rulesOf, error) {
	var out rulesOf
	for _, c := range m.cfg.Rules {
		r, err := ruleOf(c)
		if err != nil {
			return out, err
		}
		out.list = append(out.list, r)
	}
	if err := out.addWatchdogs(m.cfg); err != nil {
		return out, err
	}
	out.turner = m.newTurner(out, nil, nil)
	return out, nil
}

// newTurner makes who has the rules take their turn; queued is called with what it
// queues, and beat while it turns.
func (m *Manager) newTurner(of rulesOf, queued func([]actions.ID), beat func()) *turn.Turner {
	automatic := map[string]bool{}
	for _, c := range m.cfg.Clusters {
		automatic[c.Name] = c.Automatic
	}
	return turn.New(turn.Options{
		Rules: of.list, Automatic: automatic, Words: m.words,
		Oldest: m.cfg.Actions.Expires, Keep: min(m.cfg.Actions.Keep, m.cfg.Actions.Expires),
		Dir: m.cfg.StateDir, Store: m.stores.own, Log: m.log, Ledger: m.ledger, Manager: m.name, Require: of.requireOf,
		Tell: m.tell, Queued: queued, Beat: beat,
		Acknowledge: func(ctx context.Context, e heartbeat.Event) error { return monitor.Acknowledge(ctx, m.stores.own, e) },
	})
}

// requireOf is what a rule's command requires: nobody looks at the machine first, so
// a restart is of whatever runs when its turn comes, or of what hangs then where a watchdog
// asks for it.
func (r rulesOf) requireOf(rule string, do command.Command) map[string]string {
	if do.Level != string(heartbeat.Services) || do.Action != services.Restart {
		return nil
	}
	if patience, is := r.patience[rule]; is {
		return map[string]string{handlers.HungKey: patience.String()}
	}
	return map[string]string{handlers.AnywayKey: handlers.Meant}
}

// turnRules has the rules take one turn and returns what that told. The first one
// ever begins with the events of the time since and later.
func (m *Manager) turnRules(ctx context.Context, since time.Time) ([]heartbeat.Event, error) {
	r, err := m.rules.turner.Turn(ctx, time.Now(), since)
	return r.Told, errors.Join(r.Warning, err)
}

// ruleOf makes a rule of its configuration.
func ruleOf(c config.Rule) (rules.Rule, error) {
	r := rules.Rule{Name: c.Name, For: c.For, MinDelay: c.MinDelay, MaxPerHour: c.MaxPerHour}
	var failures error
	pattern := func(s string) rules.Pattern {
		if s == "" {
			return rules.Pattern{}
		}
		p, err := rules.ParsePattern(s)
		failures = errors.Join(failures, err)
		return p
	}
	w := c.When
	r.When = rules.When{
		Cluster: pattern(w.Cluster), Type: pattern(w.Type), Name: pattern(w.Name), IP: pattern(w.IP),
		State: pattern(w.State), PreviousState: pattern(w.PreviousState), Code: pattern(w.Code),
		Status: pattern(w.Status), PreviousStatus: pattern(w.PreviousStatus), Reason: pattern(w.Reason),
		Labels: map[string]rules.Pattern{},
	}
	for name, text := range w.Labels {
		r.When.Labels[name] = pattern(text)
	}
	switch do := c.Do; {
	case do.Command != nil:
		r.Do.Command = &rules.Command{Level: do.Command.Level, Action: do.Command.Action, Group: do.Command.Group}
	case do.Alert != nil:
		r.Do.Alert = &rules.Alert{Severity: do.Alert.Severity, Labels: do.Alert.Labels}
	default:
		r.Do.Script = do.Script.Path
	}
	return r, failures
}

// scriptsOf are the rules that run a script.
func scriptsOf(cfg *config.Config) map[string]bool {
	out := map[string]bool{}
	for _, r := range cfg.Rules {
		if r.Do.Script != nil {
			out[r.Name] = true
		}
	}
	return out
}

// ruleScript is the script of a rule; nil where there is none.
func (m *Manager) ruleScript(rule string) handlers.Script {
	for _, r := range m.cfg.Rules {
		if r.Name == rule && r.Do.Script != nil {
			return doctor.Script{
				Path: r.Do.Script.Path, Timeout: r.Do.Script.Timeout, Env: []string{"CLMGR_RULE=" + rule},
				Manager: m.name, Mask: m.mask.Text,
			}.Run
		}
	}
	return nil
}
