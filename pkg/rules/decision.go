package rules

import (
	"maps"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Verdict is what a rule comes to for an event. It is the state of the event that
// tells of it.
type Verdict string

// The verdicts.
const (
	Queue    Verdict = "acts"      // its command or script is queued
	Would    Verdict = "would act" // but the cluster is not automatic
	Alerts   Verdict = "alerts"
	Over     Verdict = "over"      // what an alert with For was about
	KeptBack Verdict = "kept back" // by flood control
	Late     Verdict = "too late"  // the event is too old to start anything
	Refused  Verdict = "refused"   // what is to be done cannot be, by what the event says
)

// Decision is what a rule comes to for an event.
type Decision struct {
	Rule    string
	Verdict Verdict
	Reason  string // in one line; empty where the verdict says it all
	Event   heartbeat.Event
	Cluster string
	Do      command.Command // what is queued, or would be
	What    string          // what the rule does, in words
	At      time.Time
	// Severity and Labels are those of an alert.
	Severity string
	Labels   map[string]string
}

// The labels that alerts look for: a severity, and the word true where the end of what a
// rule tells of will be told too, by the verdict over.
const (
	SeverityLabel = "severity"
	LastsLabel    = "lasts"
)

// Told is the event that tells of the decision, by a manager. It is the same event
// however often the decision is passed on.
func (d Decision) Told(manager string) heartbeat.Event {
	about := d.Event
	labels := map[string]string{}
	if d.Verdict == Alerts || d.Verdict == Over {
		maps.Copy(labels, about.Labels)
		maps.Copy(labels, d.Labels)
		if d.Severity != "" {
			labels[SeverityLabel] = d.Severity
		}
	}
	labels["do"], labels["event"] = d.What, about.ID
	labels["name"], labels["type"] = about.Key.Name, string(about.Key.Kind)
	reason := d.What
	if d.Reason != "" {
		reason += ": " + d.Reason
	}
	if about.Reason != "" {
		reason += "; what it was about: " + about.Reason
	}
	return heartbeat.Event{
		Key: heartbeat.Key{Cluster: d.Cluster, Kind: heartbeat.Rules, Name: d.Rule}, IP: about.IP,
		Was: heartbeat.Point{State: string(about.Key.Kind) + " " + about.Key.Name + " " + about.Is.State},
		Is:  heartbeat.Point{State: string(d.Verdict)}, At: d.At, Manager: manager, Reason: reason, Labels: labels,
	}.Occur(about.ID)
}

// Asked is how an action tells that it was asked for by a rule because of an event:
// the same words for the same two, and for no others.
func (d Decision) Asked() string { return "rule " + d.Rule + " for event " + d.Event.ID }
