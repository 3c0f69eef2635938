package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Rule is what is to be done about which events.
type Rule struct {
	Name string
	When When
	// For is how long it has to stay so; 0 for at once.
	For time.Duration
	// MinDelay lies between two firings for one thing; 0 for none.
	MinDelay time.Duration
	// MaxPerHour is how often it fires at most within any hour, for all things
	// together; 0 for as often as it likes.
	MaxPerHour int
	Do         Do
}

// When is what an event has to be like. It names no field that the document of an
// event does not have.
type When struct {
	Cluster, Type, Name, IP      Pattern
	State, PreviousState         Pattern
	Code, Status, PreviousStatus Pattern
	Reason                       Pattern
	Labels                       map[string]Pattern // by name; one that an event lacks is empty there
}

// Do is what to do: exactly one of its fields is set.
type Do struct {
	Command *Command
	Alert   *Alert
	Script  string // an executable of the manager's own machine
}

// Command is work for the queue.
type Command struct {
	Level, Action string
	Group         string // {name}, {ip}, {cluster}, {state} or {LABEL} stand for the event's
}

// Alert is what alerts are to know of an event besides what it says itself.
type Alert struct {
	Severity string
	Labels   map[string]string
}

// Verbs are the commands that a rule may give, each LEVEL ACTION. What takes data or
// a machine away, or needs an operator's word, is not among them.
func Verbs() []string {
	return []string{
		"instances launch", "instances start", "instances stop",
		"services start", "services stop", "services restart",
		"services bootstrap_binaries", "services install", "services replicate",
	}
}

// Kinds are the types of events that rules hear of.
func Kinds() []string {
	var out []string
	for _, k := range []heartbeat.Kind{
		heartbeat.Clusters, heartbeat.Hosts, heartbeat.Instances, heartbeat.Logs, heartbeat.Managers,
		heartbeat.Metrics, heartbeat.Peers, heartbeat.Services, heartbeat.Units, heartbeat.VIPs,
	} {
		out = append(out, string(k))
	}
	return out
}

// hears tells whether rules are to hear of an event at all.
func hears(e heartbeat.Event) bool { return slices.Contains(Kinds(), string(e.Key.Kind)) }

// Acts tells whether it changes something, for which a cluster has to be automatic.
func (d Do) Acts() bool { return d.Alert == nil }

// String is what is done, in one line.
func (d Do) String() string {
	switch {
	case d.Command != nil:
		return d.Command.Level + ":" + d.Command.Action + ":" + d.Command.Group
	case d.Alert != nil:
		return strings.TrimSpace("alert " + d.Alert.Severity)
	}
	return "script " + d.Script
}

// String is what an event has to be like, in one line.
func (w When) String() string {
	var out []string
	for _, f := range w.fields(heartbeat.Event{}) {
		if !f.want.Any() {
			out = append(out, f.name+"="+f.want.String())
		}
	}
	if len(out) == 0 {
		return "any event"
	}
	return strings.Join(out, " ")
}

// field is one thing that is asked of an event.
type field struct {
	name string
	want Pattern
	has  string
}

// fields are all that is asked of an event, in the order of the configuration.
func (w When) fields(e heartbeat.Event) []field {
	ip := ""
	if e.IP.IsValid() {
		ip = e.IP.String()
	}
	out := []field{
		{"cluster", w.Cluster, e.Key.Cluster},
		{"type", w.Type, string(e.Key.Kind)},
		{"name", w.Name, e.Key.Name},
		{"ip", w.IP, ip},
		{"state", w.State, e.Is.State},
		{"previous_state", w.PreviousState, e.Was.State},
		{"code", w.Code, string(e.Is.Code)},
		{"status", w.Status, e.Is.Role},
		{"previous_status", w.PreviousStatus, e.Was.Role},
		{"reason", w.Reason, e.Reason},
	}
	for _, name := range slices.Sorted(maps.Keys(w.Labels)) {
		out = append(out, field{"label " + name, w.Labels[name], e.Labels[name]})
	}
	return out
}

// Mismatches says of an event what does not match, nothing where it matches.
func (w When) Mismatches(e heartbeat.Event) []string {
	if !hears(e) {
		return []string{fmt.Sprintf("events of type %s start no rule", e.Key.Kind)}
	}
	var out []string
	for _, f := range w.fields(e) {
		if !f.want.Match(f.has) {
			out = append(out, fmt.Sprintf("%s is %q, not %s", f.name, f.has, f.want))
		}
	}
	return out
}

// Match tells whether an event is like that.
func (w When) Match(e heartbeat.Event) bool {
	if !hears(e) {
		return false
	}
	for _, f := range w.fields(e) {
		if !f.want.Match(f.has) {
			return false
		}
	}
	return true
}

// placed is a command for the queue in its cluster; the error says why there is none.
func (r Rule) placed(e heartbeat.Event, in Input) (string, command.Command, error) {
	do := command.Command{Level: actions.Scripts, Action: actions.RunScript, Group: r.Name}
	filled := false
	if c := r.Do.Command; c != nil {
		do.Level, do.Action = c.Level, c.Action
		var err error
		if do.Group, filled, err = fill(c.Group, e); err != nil {
			return e.Key.Cluster, do, err
		}
	}
	cluster, err := in.clusterOf(e, do)
	if err == nil && filled && (do.Group == command.All || do.Group == cluster) {
		err = fmt.Errorf("the event says %q where one thing is to be named, and that is all of %s", do.Group, cluster)
	}
	return cluster, do, err
}
