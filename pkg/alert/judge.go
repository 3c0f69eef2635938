package alert

import (
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Severity is how bad something is.
type Severity string

// The severities, the worst first.
const (
	Critical Severity = "critical"
	Warning  Severity = "warning"
	Info     Severity = "info"
)

// Severities returns all of them, the worst first.
func Severities() []Severity { return []Severity{Critical, Warning, Info} }

// worse tells whether s is worse than other; anything is worse than none.
func (s Severity) worse(other Severity) bool { return s.rank() > other.rank() }

func (s Severity) rank() int {
	switch s {
	case Critical:
		return 3
	case Warning:
		return 2
	case Info:
		return 1
	}
	return 0
}

// The labels that alerts go by.
const (
	LabelSeverity = "severity" // critical, warning or info
	LabelResolved = "resolved" // true: what was told is over
	LabelLasts    = "lasts"    // true, of a rule: its end will be told by the state over
)

// over is the state of a rule whose alert is over.
const over = "over"

// peerFailed is the state of a peer that is not heard any more.
const peerFailed = "failed"

// Judgement is what an event means for alerts. The zero one is: nothing.
type Judgement struct {
	Opens  Severity // an incident of its subject, "" for none
	Ends   bool     // the incident of its subject
	Notice Severity // of something that has no end, "" for none
}

// Judge says what an event means; doc.go has the table.
func Judge(e heartbeat.Event) Judgement {
	switch e.Key.Kind {
	case heartbeat.Instances:
		return judgeInstance(e)
	case heartbeat.Services:
		return judgeService(e)
	case heartbeat.Clusters, heartbeat.VIPs, heartbeat.Managers:
		c := heartbeat.Condition{State: e.Is.State}
		return lasting(e, c.Amiss(), Critical)
	case heartbeat.Peers:
		return lasting(e, e.Is.State == peerFailed, Critical)
	case heartbeat.Scripts:
		return lasting(e, e.Is.State != heartbeat.ExitZero, Warning)
	case heartbeat.Units, heartbeat.Hosts, heartbeat.Metrics:
		return lasting(e, labelled(e, "") != "", "")
	case heartbeat.Logs:
		return Judgement{Notice: labelled(e, "")}
	case heartbeat.Rules:
		if e.Is.State == over || e.Labels[LabelLasts] == "true" {
			return lasting(e, e.Is.State != over && labelled(e, "") != "", "")
		}
		return Judgement{Notice: labelled(e, "")}
	}
	return Judgement{}
}

// lasting is the judgement of what opens where something is amiss, and ends else.
func lasting(e heartbeat.Event, amiss bool, standard Severity) Judgement {
	if !amiss || e.Labels[LabelResolved] == "true" {
		return Judgement{Ends: true}
	}
	return Judgement{Opens: labelled(e, standard)}
}

// labelled is the severity that the event's label says, else the standard one.
func labelled(e heartbeat.Event, standard Severity) Severity {
	if s := Severity(e.Labels[LabelSeverity]); s.rank() > 0 {
		return s
	}
	return standard
}

func judgeInstance(e heartbeat.Event) Judgement {
	switch e.Is.State {
	case heartbeat.Running, heartbeat.Absent:
		return Judgement{Ends: true}
	case heartbeat.Unreachable:
		return lasting(e, true, Critical)
	case heartbeat.Stopped, heartbeat.Terminated:
		return lasting(e, true, Warning)
	case heartbeat.Pending:
		if e.Was.State == heartbeat.Running {
			return lasting(e, true, Warning)
		}
	}
	return Judgement{}
}

func judgeService(e heartbeat.Event) Judgement {
	switch {
	case e.Is.State == heartbeat.Absent:
		return Judgement{Ends: true}
	case e.Is.Code == command.OK:
		j := Judgement{Ends: true}
		if e.Was.Role != e.Is.Role && e.Was.Role != "" && e.Is.Role != "" {
			j.Notice = labelled(e, Warning)
		}
		return j
	case underWay(e.Is.Code):
		return Judgement{}
	}
	return lasting(e, true, Critical)
}

// underWay tells whether the code says that somebody is at work on the service.
func underWay(c command.Code) bool {
	switch c {
	case command.Starting, command.Stopping, command.Installing, command.Removing, command.DelayedUntilStart, command.DelayedUntilCreation:
		return true
	}
	return false
}

// Subject is what an event is about: its key, but for rules what the rule was
// about as well, since one rule watches many things.
func Subject(e heartbeat.Event) heartbeat.Key {
	k := e.Key
	if k.Kind == heartbeat.Rules && e.Labels["name"] != "" {
		k.Name += ": " + e.Labels["type"] + " " + e.Labels["name"]
	}
	return k
}
