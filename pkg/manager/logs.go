package manager

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/daemon"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
	"github.com/clmgr/clmgr/pkg/monitor/logs"
	"github.com/clmgr/clmgr/pkg/remote"
)

// logLoops are the loops that watch the logs of the configuration: one for the journal
// of each machine, one for each file.
func (m *Manager) logLoops() []daemon.Loop {
	var out []daemon.Loop
	for _, s := range m.logSources() {
		o := logs.Options{Manager: m.name, Machine: s.machine, Store: m.stores.own, Key: s.key, Tell: m.tell, Mask: m.mask.Text}
		run := logs.NewJournal(o, s.watchers).Run
		if s.watchers[0].File != "" {
			run = logs.NewFile(o, s.watchers[0]).Run
		}
		out = append(out, daemon.Loop{Name: strings.TrimPrefix(s.key, "watch/"), Run: run})
	}
	return out
}

// logSource is a journal or a file, and who watches it.
type logSource struct {
	key      string // of what is remembered
	machine  *remote.Host
	watchers []logs.Watcher
}

// logSources are those that this manager watches, in the order of the configuration.
func (m *Manager) logSources() []logSource {
	var out []logSource
	for n := range m.cfg.Clusters {
		c := &m.cfg.Clusters[n]
		journals := map[string]int{} // by machine, the place in out
		for _, l := range c.Logs {
			i := slices.IndexFunc(c.Instances, func(i config.Instance) bool { return i.Name == l.Instance })
			s := m.logSource(m.clusters[n], m.clusters[n].Machines[i], l)
			if c.Instances[i].State == "stopped" || l.Via == "local" && !s.machine.Here() {
				continue
			}
			at, known := journals[l.Instance]
			switch {
			case l.File != "":
				out = append(out, s)
			case known:
				out[at].watchers = append(out[at].watchers, s.watchers...)
			default:
				journals[l.Instance] = len(out)
				out = append(out, s)
			}
		}
	}
	return out
}

func (m *Manager) logSource(c collect.Cluster, machine collect.Machine, l config.Log) logSource {
	s := logSource{
		key: "watch/logs/" + c.Name + "/journal/" + machine.Name, machine: m.watchedHost(c, machine.SSH),
		watchers: []logs.Watcher{{
			Cluster: c.Name, Name: l.Name, Machine: machine.Name, IP: machine.SSH.IP, Unit: l.Unit, File: l.File, Limit: l.Limit,
			Join: logs.Join{Pattern: l.Join, Lines: l.Lines, Time: l.JoinTime},
		}},
	}
	for _, x := range l.Match {
		s.watchers[0].Match = append(s.watchers[0].Match, logs.Match{Name: x.Name, Pattern: x.Regexp, State: x.State, Severity: x.Severity})
	}
	if l.File != "" {
		s.key = "watch/logs/" + c.Name + "/file/" + l.Name
	}
	return s
}

// logWatchers are the watchers of logs as they are listed.
func (m *Manager) logWatchers(ctx context.Context) ([]Watcher, error) {
	var out []Watcher
	for _, s := range m.logSources() {
		state, err := logs.ReadState(ctx, m.stores.own, s.key)
		if err != nil {
			return nil, err
		}
		for _, w := range s.watchers {
			row := Watcher{
				Cluster: w.Cluster, Type: heartbeat.Logs, Name: w.Name, Instance: w.Machine, Watches: w.Unit + w.File,
				By: "ssh", State: "not yet",
			}
			if s.machine.Here() {
				row.By = "here"
			}
			if p := state.Watches[w.Name]; p != nil {
				row.State, row.Seen, row.Events, row.Dropped, row.Gaps = logs.Watching, p.Lines, p.Events, p.Dropped, p.Gaps
				if !p.Last.IsZero() {
					row.Last = p.Last.UTC().Format(time.RFC3339)
				}
			}
			if !state.Trouble.Since.IsZero() {
				row.State, row.Reason = logs.Blind, state.Trouble.Reason
			}
			out = append(out, row)
		}
	}
	return out, nil
}
