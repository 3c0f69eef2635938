package manager

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clmgr/clmgr/pkg/actions/runner"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/daemon"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// heartbeatLoop looks at everything, beat by beat, and feeds what it saw to the queue.
// One that has begun is brought to its end also where the daemon stops.
func (m *Manager) heartbeatLoop(u *Upkeep, feed *feed) daemon.Loop {
	interval := m.cfg.Daemon.Interval
	// What a heartbeat may take: its look, a record of each cluster, addresses.
	most := 2*m.cfg.Heartbeat.Deadline + recordTime
	return daemon.Loop{Name: "heartbeat", Run: func(ctx context.Context, beat func()) error {
		for prompt := true; ; prompt = false {
			at := u.begins(time.Now(), interval, prompt)
			if !daemon.Rest(ctx, beat, time.Until(at)) {
				return nil
			}
			u.began(at)
			var err error
			daemon.Within(beat, most, func() { err = m.beatOnce(context.WithoutCancel(ctx), u, feed) })
			if err != nil {
				return err
			}
		}
	}}
}

// beatOnce makes one heartbeat. That it could not be recorded is told by the status, and
// is no reason to stop.
func (m *Manager) beatOnce(ctx context.Context, u *Upkeep, feed *feed) error {
	c := command.Command{Level: string(heartbeat.Instances), Action: "heartbeat", Door: "daemon"}.Normal()
	chosen, err := m.cover(ctx, c)
	if err != nil {
		return err
	}
	start := time.Now()
	s := m.see(ctx, c, chosen)
	view, err := m.ledger.Look(ctx)
	s.failures = append(s.failures, err)
	s.stand(view)
	if s.owned == nil {
		feed.put(runner.Input{Status: current(s.looked), Began: s.began})
	}
	if took := time.Since(start); u.note(s, time.Now(), took, m.cfg.Daemon.Interval) {
		return m.tellSlow(ctx, took)
	}
	return nil
}

// fault is what went wrong with a heartbeat itself; nil for nothing.
func (s sight) fault() error { return errors.Join(append(s.failures, s.unled)...) }

// The states of the heartbeat itself.
const (
	onTime = "on time"
	slow   = "slow"
)

// tellSlow tells that heartbeats have become slower than their interval, or fast enough
// again.
func (m *Manager) tellSlow(ctx context.Context, took time.Duration) error {
	e := heartbeat.Event{
		Key: heartbeat.Key{Kind: heartbeat.Managers, Name: m.name + "/heartbeat"}, At: time.Now(), Manager: m.name,
		Was: heartbeat.Point{State: slow}, Is: heartbeat.Point{State: onTime},
		Reason: fmt.Sprintf("took %s of %s", took.Round(time.Millisecond), m.cfg.Daemon.Interval),
	}
	if took > m.cfg.Daemon.Interval {
		e.Was, e.Is = e.Is, e.Was
	}
	return m.tell(ctx, []heartbeat.Event{e.Occur(e.At.String())})
}
