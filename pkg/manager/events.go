package manager

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/netip"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/eventlog"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// EventFilter chooses events of the log. Its zero value chooses all.
type EventFilter struct {
	Group   string    // all, or the name, the ip or the cluster an event is about
	Type    string    // all, instances, services, clusters, managers, peers, vips or scripts
	Cluster string    // empty for every cluster
	Since   time.Time // zero for the beginning of the log
	Limit   int       // only the newest so many lines of the log; 0 for no limit

	at map[string]netip.Addr // by cluster, of the machine that Group names: its events are named by id
}

func (f EventFilter) takes(e heartbeat.Event) bool {
	group := f.Group == "" || f.Group == command.All || f.Group == e.Key.Name || f.Group == e.Key.Cluster ||
		e.IP.IsValid() && (f.Group == e.IP.String() || e.Key.Kind == heartbeat.Instances && f.at[e.Key.Cluster] == e.IP)
	kind := f.Type == "" || f.Type == command.All || f.Type == string(e.Key.Kind)
	return group && kind && (f.Cluster == "" || f.Cluster == e.Key.Cluster)
}

// Events yields what is in the event log, oldest first; with follow also what
// is appended, until ctx is done. An error that IsWarning holds true for tells
// of lines that were passed over; any other is the last thing yielded.
func (m *Manager) Events(ctx context.Context, f EventFilter, follow bool) iter.Seq2[heartbeat.Event, error] {
	f.at = map[string]netip.Addr{}
	for _, cl := range m.clusters {
		for _, machine := range cl.Machines {
			if machine.Name == f.Group {
				f.at[cl.Name] = machine.SSH.IP
			}
		}
	}
	read := m.log.List
	if follow {
		read = m.log.Follow
	}
	return func(yield func(heartbeat.Event, error) bool) {
		for entry, err := range read(ctx, eventlog.Filter{Since: f.Since, Limit: f.Limit}) {
			var e heartbeat.Event
			if err == nil {
				err = json.Unmarshal(entry.Line, &e)
			}
			if err == nil && !f.takes(e) {
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// IsWarning tells whether an error of Events leaves the events good.
func IsWarning(err error) bool {
	var u *eventlog.Unreadable
	return errors.As(err, &u)
}

// events answers with the event log.
func (m *Manager) events(ctx context.Context, c command.Command) command.Result {
	list := heartbeat.EventList{Events: []heartbeat.Event{}}
	r := command.Result{Command: c, Code: command.OK}
	for e, err := range m.Events(ctx, EventFilter{Group: c.Group, Type: c.Type, Cluster: c.Cluster}, false) {
		if err != nil && !IsWarning(err) {
			return command.Fail(c, command.StoreFailure, err)
		}
		if err != nil {
			r.Reason = err.Error()
			continue
		}
		list.Events = append(list.Events, e)
	}
	r.Body = list
	return r
}
