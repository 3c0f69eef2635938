package manager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/clmgr/clmgr/pkg/alert"
	"github.com/clmgr/clmgr/pkg/alert/send"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/daemon"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

func (m *Manager) newAlerts() (*send.Sender, error) {
	a := m.cfg.Alerts
	opts := send.Options{
		Settings: alert.Settings{
			Manager: m.name, GroupWait: a.GroupWait, NoticeEvery: a.NoticeEvery, GiveUp: a.GiveUp, FirstDelay: a.FirstDelay, Longest: a.LongestDelay,
		},
		Store: m.stores.own, Log: m.log, Dir: filepath.Join(m.cfg.StateDir, "alerts"), Timeout: a.Timeout, Turn: a.Time, Mask: m.mask.Text,
	}
	for _, p := range a.Places {
		place := send.Place{Name: p.Name, URL: p.URL, Program: p.Program}
		if p.Webhook != nil {
			place.Webhook = &send.Webhook{URL: p.Webhook.URL, Key: p.Webhook.Key}
		}
		opts.Places = append(opts.Places, place)
	}
	for _, r := range a.Routes {
		route := alert.Route{To: r.To, Kinds: r.Types, Clusters: r.Clusters, Names: r.Names, Labels: r.Labels, Title: r.Title, Text: r.Text}
		for _, s := range r.Severity {
			route.Severities = append(route.Severities, alert.Severity(s))
		}
		opts.Settings.Routes = append(opts.Settings.Routes, route)
	}
	return send.New(opts)
}

// alertLoop tells places of events, as soon as they are logged.
func (m *Manager) alertLoop() daemon.Loop {
	return daemon.Loop{Name: "alerts", Run: func(ctx context.Context, beat func()) error {
		listening, enough := context.WithCancel(ctx)
		defer enough()
		go func() {
			for listening.Err() == nil {
				select {
				case <-listening.Done():
				case <-m.told.heard():
					m.alerts.Wake()
				}
			}
		}()
		return m.alerts.Run(ctx, beat)
	}}
}

// AlertList is what the commands about alerts answer with.
type AlertList struct {
	Alerts   []alert.Incident // that are not over
	Silences []alert.Silence
	Places   []AlertPlace
}

// AlertPlace is how it stands with a place.
type AlertPlace struct {
	Name    string `json:"name"`
	Waiting int    `json:"waiting"` // messages that have not arrived
	Tries   int    `json:"tries,omitempty"`
	Next    string `json:"next,omitempty"`  // of a message that failed: when it is tried again
	Error   string `json:"error,omitempty"` // of the last try of the message that is next
}

// wireAlert is an incident as it is printed.
type wireAlert struct {
	ID       string          `json:"id"`
	Severity alert.Severity  `json:"severity"`
	Since    string          `json:"since"`
	Silenced bool            `json:"silenced,omitempty"`
	Told     []string        `json:"told,omitempty"`
	Within   string          `json:"within,omitempty"`
	With     []string        `json:"with,omitempty"`
	Event    heartbeat.Event `json:"event"`
}

// MarshalJSON gives {"alerts":[…],"silences":[…],"places":[…]}.
func (l AlertList) MarshalJSON() ([]byte, error) {
	now := time.Now()
	state := alert.State{Silences: l.Silences}
	list := []wireAlert{}
	for _, in := range l.Alerts {
		w := wireAlert{
			ID: in.ID, Severity: in.Severity, Since: in.Since.UTC().Format(time.RFC3339), Silenced: state.Silenced(in.Key(), now),
			Within: in.Within, With: in.Members, Event: in.Event,
		}
		for _, p := range l.Places {
			if _, told := in.Told[p.Name]; told {
				w.Told = append(w.Told, p.Name)
			}
		}
		list = append(list, w)
	}
	silences, places := l.Silences, l.Places
	if silences == nil {
		silences = []alert.Silence{}
	}
	if places == nil {
		places = []AlertPlace{}
	}
	return json.Marshal(struct {
		Alerts   []wireAlert     `json:"alerts"`
		Silences []alert.Silence `json:"silences"`
		Places   []AlertPlace    `json:"places"`
	}{list, silences, places})
}

// listAlerts answers with what is wrong, what is silenced, and what has not arrived.
func (m *Manager) listAlerts(ctx context.Context, c command.Command) command.Result {
	state, err := m.alerts.View(ctx)
	if err != nil {
		return command.Fail(c, command.StoreFailure, err)
	}
	now := time.Now()
	list := AlertList{}
	for _, in := range state.Incidents {
		if !in.Over && !in.Notice {
			list.Alerts = append(list.Alerts, in)
		}
	}
	for _, s := range state.Silences {
		if now.Before(s.Until) {
			list.Silences = append(list.Silences, s)
		}
	}
	waiting := state.Waiting()
	for _, name := range m.alerts.Places() {
		p := AlertPlace{Name: name, Waiting: waiting[name]}
		for i := range state.Outbox {
			if o := &state.Outbox[i]; o.Place == name && o.Tries > 0 {
				p.Tries, p.Next, p.Error = o.Tries, o.Next.UTC().Format(time.RFC3339), o.Error
				break
			}
		}
		list.Places = append(list.Places, p)
	}
	return command.Result{Command: c, Code: command.OK, Body: list}
}

// testAlerts sends a message to a place, or to all, and tells how that ended.
func (m *Manager) testAlerts(ctx context.Context, c command.Command) command.Result {
	name := c.Group
	if name == command.All {
		name = ""
	}
	if len(m.alerts.Places()) == 0 {
		return command.Fail(c, command.NothingMatches, errors.New("cannot test alerts: there are no places; the key alerts of the configuration names them"))
	}
	tried, err := m.alerts.Test(ctx, name)
	if err != nil {
		return command.Fail(c, command.NothingMatches, err)
	}
	r := command.Result{Command: c, Code: command.OK}
	list := AlertTests{Tests: []AlertTest{}}
	var failures []error
	for _, t := range tried {
		one := AlertTest{Place: t.Place, Seconds: t.Took.Round(time.Millisecond).Seconds(), State: "arrived"}
		if t.Err != nil {
			one.State, one.Error = "failed", m.mask.Text(oneLine(t.Err))
			failures = append(failures, fmt.Errorf("cannot send to %s: %s", t.Place, one.Error))
		}
		list.Tests = append(list.Tests, one)
	}
	r.Body = list
	if len(failures) > 0 {
		r.Code, r.Reason = command.RemoteCommFailure, oneLine(errors.Join(failures...))
	}
	return r
}

// AlertTests is how tests of places ended.
type AlertTests struct {
	Tests []AlertTest `json:"tests"`
}

// AlertTest is how the test of one place ended.
type AlertTest struct {
	Place   string  `json:"place"`
	State   string  `json:"state"` // arrived or failed
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error,omitempty"`
}

// silence keeps what a pattern matches from being told for a while.
func (m *Manager) silence(ctx context.Context, c command.Command) command.Result {
	now := time.Now().UTC()
	d, err := time.ParseDuration(c.For)
	if err != nil || d <= 0 {
		return command.Fail(c, command.NotUnderstood, fmt.Errorf("cannot silence for %q: want a duration as in 90m or 2h, with --for (\"for\")", c.For))
	}
	s := alert.Silence{Cluster: c.Cluster, Kind: pattern(c.Type), Name: pattern(c.Group), At: now, Until: now.Add(d), Reason: m.mask.Text(c.Reason), By: m.asker(c).Who}
	var bad error
	err = m.alerts.Change(ctx, "silence", func(state *alert.State) error {
		added, err := state.Silence(s)
		bad = err
		if err == nil {
			s.ID = added.ID
		}
		return err
	})
	return silenced(c, []alert.Silence{s}, bad, err)
}

// unsilence ends a silence by its id, or all.
func (m *Manager) unsilence(ctx context.Context, c command.Command) command.Result {
	var ended []alert.Silence
	var bad error
	err := m.alerts.Change(ctx, "unsilence", func(state *alert.State) error {
		ended, bad = state.Unsilence(c.Group, c.Group == command.All)
		return bad
	})
	return silenced(c, ended, bad, err)
}

func silenced(c command.Command, list []alert.Silence, bad, err error) command.Result {
	switch {
	case bad != nil:
		return command.Fail(c, command.NotUnderstood, bad)
	case err != nil:
		return command.Fail(c, command.StoreFailure, err)
	}
	return command.Result{Command: c, Code: command.OK, Body: SilenceList{Silences: append([]alert.Silence{}, list...)}}
}

// SilenceList is the silences that a command made or ended.
type SilenceList struct {
	Silences []alert.Silence `json:"silences"`
}

// pattern is a filter of a command as silences have it.
func pattern(word string) string {
	if word == command.All {
		return ""
	}
	return word
}
