package manager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/clmgr/clmgr/pkg/eventlog"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/store"
)

// recordTime bounds reading or writing one record, apart from the heartbeat's
// own deadline: what took ten seconds to see must not be lost at the end.
const recordTime = 5 * time.Second

// key is where this manager keeps what it knows of a cluster.
func (m *Manager) key(cluster string) string { return "status/" + cluster + "/" + m.name }

// recall reads the record of a cluster; the empty one where there is none.
func (m *Manager) recall(ctx context.Context, cluster string) (heartbeat.Record, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	b, err := m.store.Get(ctx, m.key(cluster))
	if errors.Is(err, store.ErrNotFound) {
		return heartbeat.Record{}, nil
	}
	if err != nil {
		return heartbeat.Record{}, err
	}
	rec, err := heartbeat.DecodeRecord(b)
	if err != nil {
		return rec, m.unreadable(cluster, err)
	}
	return rec, nil
}

// unreadable says what to do about a record that nobody will overwrite.
func (m *Manager) unreadable(cluster string, err error) error {
	return fmt.Errorf("%w; nothing was overwritten: look at %s in %s and move it away to begin anew", err, m.key(cluster), m.cfg.Store)
}

// record lays the look over the record and stores both status and events in one
// swap; then it hands the events to the log. Events left over from a heartbeat
// that died in between go with them.
func (m *Manager) record(ctx context.Context, look heartbeat.Look, began uint64) (heartbeat.Status, []heartbeat.Event, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	var next heartbeat.Record
	var events []heartbeat.Event
	err := m.store.Update(ctx, m.key(look.Cluster), "heartbeat", func(old []byte) ([]byte, error) {
		rec, err := heartbeat.DecodeRecord(old)
		if err != nil {
			return nil, m.unreadable(look.Cluster, err)
		}
		next, events = rec.Beat(look, began, m.cfg.Heartbeat.FirstEvents)
		return next.Encode()
	})
	if err != nil {
		return heartbeat.Status{}, nil, err
	}
	return next.Status, events, m.deliver(ctx, look.Cluster, next.Undelivered)
}

// deliver appends events to the log, then takes them out of the record. A crash
// in between repeats them, and the log drops repeats by their id.
func (m *Manager) deliver(ctx context.Context, cluster string, events []heartbeat.Event) error {
	if len(events) == 0 {
		return nil
	}
	entries := make([]eventlog.Entry, 0, len(events))
	for _, e := range events {
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("cannot encode event %s: %w", e.ID, err)
		}
		entry, err := eventlog.Parse(line)
		if err != nil {
			return err
		}
		entries = append(entries, entry)
	}
	if err := m.log.Append(ctx, time.Now(), entries); err != nil {
		return err
	}
	return m.store.Update(ctx, m.key(cluster), "events delivered", func(old []byte) ([]byte, error) {
		rec, err := heartbeat.DecodeRecord(old)
		if err != nil {
			return nil, m.unreadable(cluster, err)
		}
		return rec.Delivered(events).Encode()
	})
}
