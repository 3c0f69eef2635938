package manager

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
)

// heartbeat looks at what the command covers, records it, and tells what
// changed. With Last it prints what was recorded last and looks at nothing.
func (m *Manager) heartbeat(ctx context.Context, c command.Command) command.Result {
	chosen, err := m.cover(c)
	if err != nil {
		return command.Fail(c, command.NothingMatches, err)
	}
	if c.Last {
		return m.last(ctx, c, chosen)
	}
	seen, err := m.look(ctx, c, chosen)
	if r, stop := interrupted(ctx, c); stop {
		return r
	}
	parts := make([]heartbeat.Status, len(seen))
	var events []heartbeat.Event
	failures := []error{err}
	for n, s := range seen {
		merged, told, err := m.record(ctx, s)
		failures = append(failures, err)
		if err != nil {
			// What was seen is still worth printing, though it is not recorded.
			merged = heartbeat.Merge(s.before.Status, s.look, false)
		}
		events = append(events, told...)
		parts[n] = merged.Only(chosen[n].keys())
	}
	return m.answer(c, heartbeat.Document{Status: heartbeat.Join(parts...), Events: events}, errors.Join(failures...))
}

// status looks at what the command covers and records nothing.
func (m *Manager) status(ctx context.Context, c command.Command) command.Result {
	chosen, err := m.cover(c)
	if err != nil {
		return command.Fail(c, command.NothingMatches, err)
	}
	seen, err := m.look(ctx, c, chosen)
	if r, stop := interrupted(ctx, c); stop {
		return r
	}
	parts := make([]heartbeat.Status, len(seen))
	for n, s := range seen {
		parts[n] = heartbeat.Merge(s.before.Status, s.look, false).Only(chosen[n].keys())
	}
	return m.answer(c, heartbeat.Document{Status: heartbeat.Join(parts...), Part: heartbeat.Kind(c.Level)}, err)
}

// seen is a look and what was known when it began.
type seen struct {
	before recalled
	look   heartbeat.Look
}

// look looks at all chosen clusters side by side, within the heartbeat's
// deadline. The error is that of records that could not be read; the looks are
// good all the same.
func (m *Manager) look(ctx context.Context, c command.Command, chosen []chosen) ([]seen, error) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Heartbeat.Deadline)
	defer cancel()
	var progress *collect.Progress
	if m.progress != nil {
		progress = &collect.Progress{Tell: m.progress}
	}
	out, failures := make([]seen, len(chosen)), make([]error, len(chosen))
	var wg sync.WaitGroup
	for n, ch := range chosen {
		wg.Go(func() {
			s := &out[n]
			// The bytes are fetched before anything is seen, so that whoever records
			// in between is noticed; they are read while the look goes on.
			raw, err := m.fetch(ctx, ch.cluster.Name)
			ready := make(chan struct{})
			go func() {
				defer close(ready)
				if err == nil {
					s.before, err = m.recalled(ch.cluster.Name, raw)
				}
				failures[n] = err
			}()
			s.look = m.collector.Look(ctx, collect.Request{
				Cluster: ch.cluster, Selection: ch.covers, Facts: c.Facts, Progress: progress,
				Before: func() heartbeat.Status {
					<-ready
					return s.before.Status
				},
			})
			<-ready
			s.look.Host = m.host
			m.maskLook(&s.look)
		})
	}
	wg.Wait()
	return out, errors.Join(failures...)
}

// maskLook takes secrets out of what came from elsewhere.
func (m *Manager) maskLook(look *heartbeat.Look) {
	for i := range look.Instances {
		look.Instances[i].Reason = m.mask.Text(look.Instances[i].Reason)
		m.maskFacts(look.Instances[i].Facts)
	}
	for i := range look.Services {
		look.Services[i].Reason = m.mask.Text(look.Services[i].Reason)
		m.maskFacts(look.Services[i].Facts)
	}
}

func (m *Manager) maskFacts(facts map[string]any) {
	for k, v := range facts {
		if s, ok := v.(string); ok {
			facts[k] = m.mask.Text(s)
		}
	}
}

// last answers with what was recorded last, with the age of each entry.
func (m *Manager) last(ctx context.Context, c command.Command, chosen []chosen) command.Result {
	var parts []heartbeat.Status
	for _, ch := range chosen {
		rec, err := m.recall(ctx, ch.cluster.Name)
		if err != nil {
			return command.Fail(c, command.StoreFailure, err)
		}
		if rec.Seq > 0 {
			parts = append(parts, rec.Status.Only(ch.keys()))
		}
	}
	if len(parts) == 0 {
		return command.Fail(c, command.NoHeartbeatMemcached, errors.New("no heartbeat has been recorded yet; run: clmgr instances heartbeat"))
	}
	status := heartbeat.Join(parts...)
	status.Host = m.host
	return m.answer(c, heartbeat.Document{Status: status, AgeAt: time.Now()}, nil)
}

// answer wraps a document. Its code says whether everything in it runs.
func (m *Manager) answer(c command.Command, d heartbeat.Document, err error) command.Result {
	d.Command, d.Manager = c, m.name
	if !c.Facts {
		d.Status = d.WithoutFacts()
	}
	r := command.Result{Command: c, Code: command.OK, Body: d}
	switch {
	case err != nil:
		r.Code, r.Reason = command.StoreFailure, err.Error()
	case !d.Healthy():
		r.Code = command.SomethingIsNotRunning
	}
	return r
}
