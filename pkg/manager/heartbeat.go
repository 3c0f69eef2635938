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
	chosen, err := m.cover(ctx, c)
	if err != nil {
		return command.Fail(c, command.NothingMatches, err)
	}
	if c.Last {
		return m.last(ctx, c, chosen)
	}
	looked := m.look(ctx, c, chosen)
	if r, stop := interrupted(ctx, c); stop {
		return r
	}
	parts := make([]heartbeat.Status, len(looked))
	var events []heartbeat.Event
	var failures []error
	for n, s := range looked {
		status, told, err := m.record(ctx, s)
		parts[n] = status.Only(chosen[n].keys())
		events = append(events, told...)
		failures = append(failures, err)
	}
	return m.answer(c, heartbeat.Document{Status: heartbeat.Join(parts...), Events: events}, errors.Join(failures...))
}

// status looks at what the command covers and records nothing.
func (m *Manager) status(ctx context.Context, c command.Command) command.Result {
	chosen, err := m.cover(ctx, c)
	if err != nil {
		return command.Fail(c, command.NothingMatches, err)
	}
	looked := m.look(ctx, c, chosen)
	if r, stop := interrupted(ctx, c); stop {
		return r
	}
	parts := make([]heartbeat.Status, len(looked))
	var failures []error
	for n, s := range looked {
		parts[n] = s.merged().Only(chosen[n].keys())
		failures = append(failures, s.err)
	}
	return m.answer(c, heartbeat.Document{Status: heartbeat.Join(parts...), Part: heartbeat.Kind(c.Level)}, errors.Join(failures...))
}

// seen is a look and what was known when it began. The error is why the record
// could not be read; the look is good all the same.
type seen struct {
	before recalled
	look   heartbeat.Look
	err    error
}

// merged is the status with what was known before.
func (s seen) merged() heartbeat.Status { return heartbeat.Merge(s.before.Status, s.look, false) }

// look looks at all chosen clusters side by side, within the heartbeat's deadline.
func (m *Manager) look(ctx context.Context, c command.Command, chosen []chosen) []seen {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Heartbeat.Deadline)
	defer cancel()
	var progress *collect.Progress
	if m.progress != nil {
		progress = &collect.Progress{Tell: m.progress}
	}
	out := make([]seen, len(chosen))
	var wg sync.WaitGroup
	for n, ch := range chosen {
		wg.Go(func() { out[n] = m.lookAt(ctx, c, ch, progress) })
	}
	wg.Wait()
	return out
}

// lookAt looks at one cluster. The record is fetched before anything is seen, so
// that whoever records in between is noticed; it is read while the look goes on.
func (m *Manager) lookAt(ctx context.Context, c command.Command, ch chosen, progress *collect.Progress) seen {
	var s seen
	raw, err := m.fetch(ctx, ch.cluster.Name)
	ready := make(chan struct{})
	go func() {
		defer close(ready)
		if s.err = err; err == nil {
			s.before, s.err = m.recalled(ch.cluster.Name, raw)
		}
	}()
	look := m.collector.Look(ctx, collect.Request{
		Cluster: ch.cluster, Selection: ch.covers, Facts: c.Facts, Progress: progress,
		Before: func() heartbeat.Status {
			<-ready
			return s.before.Status
		},
	})
	<-ready
	s.look = look
	s.look.Host = m.host
	m.maskLook(&s.look)
	return s
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
