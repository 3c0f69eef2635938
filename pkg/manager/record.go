package manager

import (
	"bytes"
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

// recalled is a record and the bytes it was read from, nil where there is none.
type recalled struct {
	heartbeat.Record
	raw []byte
}

// decode reads a stored record, and spares the work where old is what was
// recalled: a record of thousands of entries costs more to read than to compare.
func (m *Manager) decode(cluster string, old []byte, before recalled) (heartbeat.Record, error) {
	if old != nil && bytes.Equal(old, before.raw) {
		return before.Record, nil
	}
	rec, err := heartbeat.DecodeRecord(old)
	if err != nil {
		return rec, m.unreadable(cluster, err)
	}
	return rec, nil
}

// recordsAt is where the records are.
func (m *Manager) recordsAt() string {
	if m.stores.forgets {
		return m.cfg.StateDir + "/own"
	}
	return m.cfg.Store
}

// unreadable says what to do about a record that nobody will overwrite.
func (m *Manager) unreadable(cluster string, err error) error {
	return fmt.Errorf("%w; nothing was overwritten: look at %s in %s and move it away to begin anew", err, m.key(cluster), m.recordsAt())
}

// fetch gets the stored record of a cluster, nil where there is none.
func (m *Manager) fetch(ctx context.Context, cluster string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	b, err := m.stores.records.Get(ctx, m.key(cluster))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case errors.Is(err, store.ErrCorrupt):
		return nil, m.unreadable(cluster, err)
	}
	return b, err
}

// recalled decodes what was fetched. With an error nothing is recalled, the bytes
// neither: they must not be taken for a record that was read.
func (m *Manager) recalled(cluster string, raw []byte) (recalled, error) {
	rec, err := m.decode(cluster, raw, recalled{})
	if err != nil {
		return recalled{}, err
	}
	return recalled{rec, raw}, nil
}

// recall reads the record of a cluster; the empty one where there is none.
func (m *Manager) recall(ctx context.Context, cluster string) (heartbeat.Record, error) {
	b, err := m.fetch(ctx, cluster)
	if err != nil {
		return heartbeat.Record{}, err
	}
	return m.decode(cluster, b, recalled{})
}

// record lays the look over the record and stores both status and events in one
// swap; then it hands the events to the log. Events left over from a heartbeat
// that died in between go with them. With an error the status is what was seen,
// though it is not recorded.
func (m *Manager) record(ctx context.Context, s seen) (heartbeat.Status, []heartbeat.Event, error) {
	if s.err != nil {
		return s.merged(), nil, s.err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	cluster := s.look.Cluster
	var next heartbeat.Record
	var events []heartbeat.Event
	err := m.stores.records.Update(ctx, m.key(cluster), "heartbeat", func(old []byte) ([]byte, error) {
		rec, err := m.decode(cluster, old, s.before)
		if err != nil {
			return nil, err
		}
		next, events = rec.Beat(s.look, s.before.Seq, m.cfg.Heartbeat.FirstEvents)
		return next.Encode()
	})
	if err != nil {
		return s.merged(), nil, err
	}
	return next.Status, events, m.deliver(ctx, cluster, next.Undelivered)
}

// deliver appends events to the log, then takes them out of the record. A crash
// in between repeats them, and the log drops repeats by their id.
func (m *Manager) deliver(ctx context.Context, cluster string, events []heartbeat.Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := m.tell(ctx, events); err != nil {
		return err
	}
	return m.stores.records.Update(ctx, m.key(cluster), "events delivered", func(old []byte) ([]byte, error) {
		rec, err := m.decode(cluster, old, recalled{})
		if err != nil {
			return nil, err
		}
		return rec.Delivered(events).Encode()
	})
}

// tell appends events to the log.
func (m *Manager) tell(ctx context.Context, events []heartbeat.Event) error {
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
	m.told.ring()
	return nil
}
