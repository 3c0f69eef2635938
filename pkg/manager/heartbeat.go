package manager

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
)

// heartbeat looks at what the command covers, records it, tells what changed, goes by
// the rules, and does what is due. With Last it prints what was recorded last and looks at nothing.
func (m *Manager) heartbeat(ctx context.Context, c command.Command) command.Result {
	chosen, err := m.cover(ctx, c)
	if err != nil {
		return command.Fail(c, command.NothingMatches, err)
	}
	if c.Last {
		return m.last(ctx, c, chosen)
	}
	start := time.Now()
	s := m.see(ctx, c, chosen)
	if r, stop := interrupted(ctx, c); stop {
		return r
	}
	if !c.NoAct {
		var ruled []heartbeat.Event
		ruled, s.unruled = m.turnRules(ctx, start)
		s.Events = append(s.Events, ruled...)
	}
	var told []heartbeat.Event
	var treated error
	var doctor sync.WaitGroup
	doctor.Go(func() { told, treated = m.treat(ctx, start) })
	if s.owned == nil {
		s.failures = append(s.failures, m.actOn(ctx, c, &s.Beat, s.began, s.looked))
	}
	doctor.Wait()
	s.Events = append(s.Events, told...)
	s.failures = append(s.failures, m.alerts.Turn(ctx, start))
	return m.beatAnswer(c, s, treated)
}

// beatAnswer is the answer to a heartbeat.
func (m *Manager) beatAnswer(c command.Command, s sight, treated error) command.Result {
	r := m.answer(c, s.Beat, errors.Join(s.failures...))
	if failed := errors.Join(s.unruled, treated); failed != nil {
		r.Code, r.Reason = command.RemoteMonitorFailure, oneLine(errors.Join(errors.New(r.Reason), failed))
	}
	if s.unled != nil {
		r.Code, r.Reason = command.RemoteManagerFailure, oneLine(errors.Join(errors.New(r.Reason), s.unled))
	}
	return r
}

// sight is what a heartbeat has seen and recorded, before anything is done about it.
type sight struct {
	Beat
	looked   []seen
	began    *actions.Queue // as it stood on this manager's disk before
	owned    error          // why that could not be read: then nothing may be done
	failures []error        // of the records, and owned
	unled    error          // why a virtual address could not be led
	unruled  error          // why the rules could not have their turn, or what they passed over
}

// see looks at what was chosen, records it, and has addresses follow who has them.
func (m *Manager) see(ctx context.Context, c command.Command, chosen []chosen) sight {
	var s sight
	s.began, s.owned = m.ledger.Own(ctx)
	s.failures = append(s.failures, s.owned)
	s.looked = m.look(ctx, c, chosen)
	if errors.Is(ctx.Err(), context.Canceled) {
		return s
	}
	parts := make([]heartbeat.Status, len(s.looked))
	for n, one := range s.looked {
		status, told, err := m.record(ctx, one)
		s.looked[n].now = status
		parts[n] = status.Only(chosen[n].keys())
		s.Events = append(s.Events, told...)
		s.failures = append(s.failures, err)
	}
	s.Status = heartbeat.Join(parts...)
	if !c.NoAct {
		s.unled = m.leadAddresses(ctx, s.looked)
	}
	return s
}

// actOn does what is due, unless the command says not to, and tells what stands
// in the queue after that.
func (m *Manager) actOn(ctx context.Context, c command.Command, beat *Beat, began *actions.Queue, looked []seen) error {
	var acted error
	if !c.NoAct {
		beat.Acted, acted = m.act(ctx, began, looked, nil)
	}
	view, err := m.ledger.Look(ctx)
	beat.stand(view)
	if acted != nil {
		return acted // the look fails in the same way
	}
	return err
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
	return m.answer(c, Beat{Document: heartbeat.Document{Status: heartbeat.Join(parts...), Part: heartbeat.Kind(c.Level)}}, errors.Join(failures...))
}

// seen is a look and what was known when it began. The error is why the record
// could not be read; the look is good all the same.
type seen struct {
	before recalled
	look   heartbeat.Look
	now    heartbeat.Status // the look laid over what was known, once somebody has done that
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
	return m.answer(c, Beat{Document: heartbeat.Document{Status: status, AgeAt: time.Now()}}, nil)
}

// answer wraps a document. Its code says whether everything in it runs.
func (m *Manager) answer(c command.Command, b Beat, err error) command.Result {
	b.Command, b.Manager = c, m.name
	if !c.Facts {
		b.Status = b.WithoutFacts()
	}
	r := command.Result{Command: c, Code: command.OK, Body: b}
	switch {
	case err != nil:
		r.Code, r.Reason = command.StoreFailure, oneLine(err)
	case !b.Healthy():
		r.Code = command.SomethingIsNotRunning
	}
	return r
}
