package main

import (
	"fmt"
	"net/netip"
	"sort"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/manager"
	"github.com/clmgr/clmgr/pkg/peers"
)

// statusTable prints a status for a person: machines, services, what is wrong
// as a whole, what changed, and a count.
func (a *app) statusTable(b manager.Beat) error {
	d := b.Document
	var parts []string
	clusters := len(d.Clouds) > 1
	if d.Part != heartbeat.Services {
		parts = append(parts, a.instanceTable(d, clusters))
	}
	if d.Part != heartbeat.Instances {
		parts = append(parts, a.serviceTable(d, clusters))
	}
	parts = append(parts, a.factLines(d), a.conditionLines(d), a.eventLines(d.Events), a.queueLines(b), a.summary(d))
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	_, err := fmt.Fprintln(a.out, strings.Join(out, "\n\n"))
	return err
}

func (a *app) instanceTable(d heartbeat.Document, clusters bool) string {
	clouded := false // a provider tells of them: ids of its own, and states
	for _, i := range d.Instances {
		clouded = clouded || i.Provider != "" || i.ID != i.Name
	}
	head := []string{"INSTANCE", "IP", "STATE", "SSH", "SEEN", "REASON"}
	if clouded {
		head = []string{"INSTANCE", "ID", "IP", "STATE", "PROVIDER", "SSH", "SEEN", "REASON"}
	}
	t := a.newTable(clusters, head...)
	for _, i := range d.Instances {
		state, age := a.paint(i.State, i.State == heartbeat.Running, i.Stale), seen(d, i.At, i.Stale)
		if clouded {
			t.row(i.Cluster, i.Name, providerID(i), ip(i.IP), state, dash(i.Provider), dash(i.SSH), age, i.Reason)
		} else {
			t.row(i.Cluster, i.ID, ip(i.IP), state, i.SSH, age, i.Reason)
		}
	}
	return t.render()
}

// providerID is the id that the provider gave an instance.
func providerID(i heartbeat.Instance) string {
	if i.ID == i.Name {
		return "-"
	}
	return i.ID
}

func (a *app) serviceTable(d heartbeat.Document, clusters bool) string {
	t := a.newTable(clusters, "SERVICE", "MODE", "IP", "ROLE", "STATE", "CODE", "SEEN", "REASON")
	for _, v := range d.Services {
		role := v.Role
		if v.Configured != "" && v.Configured != v.Role {
			role += " (configured " + v.Configured + ")"
		}
		t.row(v.Cluster, v.Name, v.Mode, ip(v.IP), role, a.paint(v.State, v.Code == command.OK, v.Stale), string(v.Code), seen(d, v.At, v.Stale), v.Reason)
	}
	return t.render()
}

func (a *app) conditionLines(d heartbeat.Document) string {
	var lines []string
	for _, c := range d.Conditions {
		if c.Amiss() {
			where := c.Cluster
			if c.Kind == heartbeat.VIPs {
				where += ": " + c.Name
			}
			lines = append(lines, a.paint(fmt.Sprintf("%s: %s: %s", where, c.State, c.Reason), false, false))
		}
	}
	return strings.Join(lines, "\n")
}

func (a *app) eventLines(events []heartbeat.Event) string {
	var lines []string
	for _, e := range events {
		lines = append(lines, "  "+a.paintEvent(e))
	}
	if len(lines) == 0 {
		return ""
	}
	return "CHANGED\n" + strings.Join(lines, "\n")
}

func (a *app) factLines(d heartbeat.Document) string {
	var lines []string
	add := func(name string, facts map[string]any) {
		if len(facts) == 0 {
			return
		}
		var words []string
		for k, v := range facts {
			words = append(words, fmt.Sprintf("%s=%v", k, v))
		}
		sort.Strings(words)
		lines = append(lines, "  "+name+": "+strings.Join(words, " "))
	}
	for _, i := range d.Instances {
		add(i.ID, i.Facts)
	}
	for _, v := range d.Services {
		add(v.Name, v.Facts)
	}
	for _, api := range d.APIs {
		lines = append(lines, fmt.Sprintf("  API of %s: calls=%d calls_last_hour=%d listed=%s",
			api.Cluster, api.Calls, api.LastHour, api.Listed.UTC().Format(time.RFC3339)))
	}
	if len(lines) == 0 {
		return ""
	}
	return "FACTS\n" + strings.Join(lines, "\n")
}

func (a *app) summary(d heartbeat.Document) string {
	running, up := 0, 0
	for _, i := range d.Instances {
		if i.State == heartbeat.Running && !i.Stale {
			running++
		}
	}
	for _, v := range d.Services {
		if v.Code == command.OK && !v.Stale {
			up++
		}
	}
	var parts []string
	if d.Part != heartbeat.Services {
		parts = append(parts, fmt.Sprintf("%d of %d instances running", running, len(d.Instances)))
	}
	if d.Part != heartbeat.Instances {
		parts = append(parts, fmt.Sprintf("%d of %d services running", up, len(d.Services)))
	}
	return strings.Join(parts, ", ")
}

// eventTable prints events with their times.
func (a *app) eventTable(events []heartbeat.Event) error {
	for _, e := range events {
		if err := a.eventLine(e); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) paintEvent(e heartbeat.Event) string {
	good := e.Is.State == heartbeat.Running || e.Is.State == heartbeat.Seeing || e.Is.State == heartbeat.Consistent ||
		e.Is.State == heartbeat.ExitZero || e.Is.State == peers.Forgotten
	return a.paint(e.String(), good, false)
}

// paint colours text: green what runs, red what does not, yellow what is stale.
func (a *app) paint(s string, good, stale bool) string {
	colour := text.FgRed
	switch {
	case !a.colour:
		return s
	case stale:
		colour = text.FgYellow
	case good:
		colour = text.FgGreen
	}
	return text.Escape(s, colour.EscapeSeq())
}

func ip(a netip.Addr) string {
	if a.IsValid() {
		return a.String()
	}
	return "-"
}

// seen says how old an entry is where that is not "just now".
func seen(d heartbeat.Document, at time.Time, stale bool) string {
	now := d.At
	if !d.AgeAt.IsZero() {
		now = d.AgeAt
	}
	switch {
	case at.IsZero():
		return "never"
	case stale || !d.AgeAt.IsZero():
		return now.Sub(at).Truncate(time.Second).String() + " ago"
	}
	return "now"
}
