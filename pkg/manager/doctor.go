package manager

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/doctor"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

func (m *Manager) newDoctor() *doctor.Doctor {
	return doctor.New(doctor.Options{
		Scripts: m.cfg.Doctor.Scripts, Timeout: m.cfg.Doctor.Timeout, Dir: m.cfg.StateDir + "/doctor",
		Log: m.log, Manager: m.name, Mask: m.mask.Text,
	})
}

// treat hands the doctor scripts what has come into the event log, and returns how
// they ended. The error names what could not be run, and what was passed over.
func (m *Manager) treat(ctx context.Context, since time.Time) ([]heartbeat.Event, error) {
	if len(m.cfg.Doctor.Scripts) == 0 {
		return nil, nil
	}
	return m.doctor.Treat(ctx, since)
}

// giveEvents takes a document {"events":[…]} as if a heartbeat had seen them: they
// go into the log, to the rules and to the doctor scripts. What is bad is named, the rest taken.
func (m *Manager) giveEvents(ctx context.Context, c command.Command) command.Result {
	var doc struct {
		Events []json.RawMessage `json:"events"`
	}
	if err := json.Unmarshal([]byte(c.Document), &doc); err != nil {
		return command.Fail(c, command.NotUnderstood, fmt.Errorf(`cannot read events: want {"events":[…]}: %w`, err))
	}
	now := time.Now()
	list := heartbeat.EventList{Events: []heartbeat.Event{}}
	var bad []string
	for n, raw := range doc.Events {
		e, err := m.complete(c, raw, now)
		if err != nil {
			bad = append(bad, fmt.Sprintf("cannot take event %d: %v", n+1, err))
			continue
		}
		list.Events = append(list.Events, e)
	}
	if err := m.tell(ctx, list.Events); err != nil {
		return command.Fail(c, command.StoreFailure, err)
	}
	ruled, unruled := m.turnRules(ctx, now)
	told, err := m.treat(ctx, now)
	err = errors.Join(unruled, err, m.alerts.Turn(ctx, now))
	list.Events = append(append(list.Events, ruled...), told...)
	r := command.Result{Command: c, Code: command.OK, Body: list, Reason: strings.Join(bad, "; ")}
	switch {
	case err != nil:
		r.Code, r.Reason = command.RemoteMonitorFailure, oneLine(errors.Join(err, errors.New(r.Reason)))
	case len(bad) > 0:
		r.Code = command.NotUnderstood
	}
	return r
}

// complete is an event from elsewhere, completed where it lacks a time, an id, or a
// cluster and there is only one.
func (m *Manager) complete(c command.Command, raw json.RawMessage, now time.Time) (heartbeat.Event, error) {
	var e heartbeat.Event
	var odd *json.UnmarshalTypeError
	switch err := json.Unmarshal(raw, &e); {
	case errors.As(err, &odd):
		return e, fmt.Errorf("%s is of type %s", cmp.Or(odd.Field[strings.LastIndexByte(odd.Field, '.')+1:], "it"), odd.Value)
	case err != nil:
		return e, err
	}
	switch e.Key.Kind {
	case heartbeat.Instances, heartbeat.Services, heartbeat.Clusters, heartbeat.Managers, heartbeat.VIPs,
		heartbeat.Peers, heartbeat.Logs, heartbeat.Metrics, heartbeat.Units, heartbeat.Hosts:
	default:
		return e, fmt.Errorf("there is no type %q", e.Key.Kind)
	}
	if e.Key.Name == "" || e.Is.State == "" {
		return e, errors.New("it has no name or no state")
	}
	if e.Key.Cluster == "" {
		e.Key.Cluster = c.Cluster
	}
	if e.Key.Cluster == "" && len(m.clusters) == 1 {
		e.Key.Cluster = m.clusters[0].Name
	}
	if e.At.IsZero() {
		e.At = now
	}
	if e.Manager == "" {
		e.Manager = m.name
	}
	if e.ID == "" {
		sum := sha256.Sum256(append(strconv.AppendInt(nil, e.At.UnixNano(), 10), raw...))
		e.ID = hex.EncodeToString(sum[:10])
	}
	return e, nil
}
