package manager

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/monitor"
	"github.com/clmgr/clmgr/pkg/monitor/logs"
)

// Watcher is one that is configured, and how it does.
type Watcher struct {
	Cluster  string         `json:"cluster"`
	Type     heartbeat.Kind `json:"type"` // of its events
	Name     string         `json:"name"`
	Instance string         `json:"instance,omitempty"` // the machine
	Watches  string         `json:"watches"`            // the unit, file, query
	By       string         `json:"by"`                 // here, ssh, or query
	State    string         `json:"state"`              // watching; blind, where it cannot; not yet
	Reason   string         `json:"reason,omitempty"`   // why it is blind, or what it sees that is not as it should be
	// Conditions are the states of what is watched, by the names of their events; not of logs.
	Conditions map[string]string `json:"conditions,omitempty"`

	Seen    int64  `json:"seen"` // lines of a log
	Events  int64  `json:"events"`
	Dropped int64  `json:"dropped,omitempty"` // events that were counted only
	Gaps    int64  `json:"gaps,omitempty"`    // how often lines may have been missed
	Last    string `json:"last,omitempty"`    // the time of the last line, RFC 3339 in UTC
}

// WatcherList is the document {"watchers":[…]}.
type WatcherList struct {
	Watchers []Watcher `json:"watchers"`
}

// listWatchers answers with the watchers of a group: all, a cluster, a machine or the
// name of one.
func (m *Manager) listWatchers(ctx context.Context, c command.Command) command.Result {
	all, err := m.watchers(ctx)
	if err != nil {
		return command.Fail(c, command.StoreFailure, err)
	}
	list := WatcherList{Watchers: []Watcher{}}
	for _, w := range all {
		if (c.Group == command.All || slices.Contains([]string{w.Cluster, w.Instance, w.Name}, c.Group)) &&
			(c.Type == command.All || c.Type == string(w.Type)) && (c.Cluster == "" || c.Cluster == w.Cluster) {
			list.Watchers = append(list.Watchers, w)
		}
	}
	if len(list.Watchers) == 0 && (c.Group != command.All || c.Type != command.All) {
		return command.Fail(c, command.NothingMatches, fmt.Errorf("cannot list watchers: there is none of group %q and type %q that this manager watches", c.Group, c.Type))
	}
	return command.Result{Command: c, Code: command.OK, Body: list}
}

// watchers are all that this manager has.
func (m *Manager) watchers(ctx context.Context) ([]Watcher, error) {
	out, err := m.logWatchers(ctx)
	if err != nil {
		return nil, err
	}
	loops, err := m.machineLoops()
	if err != nil {
		return nil, err
	}
	for _, l := range loops {
		standings, err := l.Standings(ctx)
		if err != nil {
			return nil, err
		}
		for _, s := range standings {
			out = append(out, m.watcherOf(s))
		}
	}
	return out, nil
}

// watcherOf is a watcher as it is listed.
func (m *Manager) watcherOf(s monitor.Standing) Watcher {
	w := Watcher{
		Cluster: s.Cluster, Type: s.Kind, Name: s.Name, Instance: s.Machine, Watches: s.Watches, By: "query",
		State: "not yet", Reason: strings.Join(s.Troubles, ", "), Conditions: s.Conditions, Events: int64(s.Events), //nolint:gosec // counted one by one
	}
	if s.Kind != heartbeat.Metrics {
		w.By = "ssh"
		if m.isHere(s.Cluster, s.Machine) {
			w.By = "here"
		}
	}
	if s.Known {
		w.State = logs.Watching
	}
	if len(s.Blind) > 0 {
		w.State, w.Reason = logs.Blind, strings.Join(append(s.Blind, s.Troubles...), ", ")
	}
	return w
}

// isHere tells whether a machine is the one that this manager runs on.
func (m *Manager) isHere(cluster, name string) bool {
	for _, cl := range m.clusters {
		for _, machine := range cl.Machines {
			if cl.Name == cluster && machine.Name == name {
				return m.watchedHost(cl, machine.SSH).Here()
			}
		}
	}
	return false
}
