package actions

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Mode is how an action locks something.
type Mode uint8

// The modes. Any number may share a lock; who has it exclusively has it alone.
const (
	Free Mode = iota
	Shared
	Exclusive
)

// Verb is what can be done, and what it locks meanwhile.
type Verb struct {
	Level, Action             string
	Service, Machine, Cluster Mode
	Starts                    bool // it makes a machine run
	Ends                      bool // it wants the machine gone: a machine that is gone is no reason to park it
}

// Words are what an action may be made of. The groups are those of each
// cluster's configuration; nil leaves groups unchecked.
type Words struct {
	Verbs  []Verb
	States map[heartbeat.Kind][]string
	Groups map[string]map[string]bool
	// Scripts are what can be named of the level scripts, which are in every cluster.
	Scripts map[string]bool
}

// UsualWords returns the verbs that clmgr knows and the states that a heartbeat can show.
func UsualWords() Words {
	const instances, services = string(heartbeat.Instances), string(heartbeat.Services)
	return Words{
		Verbs: []Verb{
			{Level: instances, Action: "launch", Machine: Exclusive, Cluster: Shared, Starts: true},
			{Level: instances, Action: "start", Machine: Exclusive, Cluster: Shared, Starts: true},
			{Level: instances, Action: "stop", Machine: Exclusive, Cluster: Shared},
			{Level: instances, Action: "terminate", Machine: Exclusive, Cluster: Shared, Ends: true},
			{Level: services, Action: "bootstrap_ncc", Service: Exclusive, Machine: Exclusive, Cluster: Shared},
			{Level: services, Action: "bootstrap_binaries", Service: Exclusive, Machine: Exclusive, Cluster: Shared},
			{Level: services, Action: "bootstrap_config", Service: Exclusive, Machine: Shared, Cluster: Shared},
			{Level: services, Action: "install", Service: Exclusive, Machine: Shared, Cluster: Shared},
			{Level: services, Action: "replicate", Service: Exclusive, Machine: Shared, Cluster: Shared},
			{Level: services, Action: "sync", Service: Exclusive, Machine: Shared, Cluster: Shared},
			{Level: services, Action: "adopt", Service: Exclusive, Machine: Shared, Cluster: Shared},
			{Level: services, Action: "remove", Service: Exclusive, Machine: Shared, Cluster: Shared},
			{Level: services, Action: "restart_replica", Service: Exclusive, Machine: Shared, Cluster: Shared},
			{Level: services, Action: "hand_over", Service: Exclusive, Machine: Shared, Cluster: Exclusive},
			{Level: services, Action: "start", Service: Exclusive, Machine: Shared, Cluster: Shared},
			{Level: services, Action: "stop", Service: Exclusive, Machine: Shared, Cluster: Shared},
			{Level: services, Action: "restart", Service: Exclusive, Machine: Shared, Cluster: Shared},
			{Level: Scripts, Action: RunScript, Cluster: Shared},
		},
		States: map[heartbeat.Kind][]string{
			heartbeat.Instances: {
				heartbeat.Pending, heartbeat.Running, heartbeat.Stopping, heartbeat.Stopped, heartbeat.ShuttingDown,
				heartbeat.Terminated, heartbeat.Unreachable, heartbeat.Absent,
			},
			heartbeat.Services: serviceStates(),
		},
	}
}

// serviceStates are the texts of the codes a probe may end with.
func serviceStates() []string {
	var out []string
	for _, c := range []command.Code{
		command.OK, command.SQLFailure, command.RemoteCommFailure, command.DatabaseCommFailure, command.MemcacheCommFailure,
		command.RemoteMonitorFailure, command.RemoteCommandFailed, command.Starting, command.Stopping, command.Installing,
		command.Removing, command.Stopped, command.Uninstalled,
	} {
		out = append(out, c.Text())
	}
	return out
}

// verb returns the verb of an action. What is unknown locks its whole cluster.
func (w Words) verb(level, action string) Verb {
	for _, v := range w.Verbs {
		if v.Level == level && v.Action == action {
			return v
		}
	}
	return Verb{Level: level, Action: action, Cluster: Exclusive}
}

// check says what is wrong with the words of an action.
func (w Words) check(a *Action) error {
	var levels, actions []string
	for _, v := range w.Verbs {
		levels = append(levels, v.Level)
		if v.Level == a.Do.Level {
			actions = append(actions, v.Action)
		}
	}
	if !slices.Contains(levels, a.Do.Level) {
		return unknown("level", a.Do.Level, levels)
	}
	if !slices.Contains(actions, a.Do.Action) {
		return unknown("action", a.Do.Action, actions)
	}
	if w.Groups != nil {
		groups, ok := w.Groups[a.Cluster]
		if !ok {
			return unknown("cluster", a.Cluster, slices.Collect(maps.Keys(w.Groups)))
		}
		if a.Do.Level == Scripts && !w.Scripts[a.Do.Group] {
			return fmt.Errorf("there is no rule %q with a script", a.Do.Group)
		}
		if a.Do.Level != Scripts && !groups[a.Do.Group] {
			return fmt.Errorf("there is no group %q in cluster %s", a.Do.Group, a.Cluster)
		}
	}
	if a.When == (Trigger{}) {
		return nil
	}
	states, ok := w.States[a.When.Kind]
	switch {
	case !ok:
		return unknown("event type", string(a.When.Kind), kinds(w.States))
	case !slices.Contains(states, a.When.State):
		return unknown("event state", a.When.State, states)
	case !a.When.IP.IsValid():
		return fmt.Errorf("no event ip is given")
	}
	return nil
}

func kinds(states map[heartbeat.Kind][]string) []string {
	var out []string
	for k := range states {
		out = append(out, string(k))
	}
	return out
}

func unknown(what, word string, known []string) error {
	slices.Sort(known)
	return fmt.Errorf("there is no %s %q, only %s", what, word, strings.Join(slices.Compact(known), ", "))
}
