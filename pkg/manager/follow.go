package manager

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/actions/runner"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/services"
)

// Between two heartbeats of somebody who waits lie firstPause after one that has done
// something, and twice as long as before after one that has not, followPause at most.
const (
	firstPause  = 100 * time.Millisecond
	followPause = time.Second
)

// unfinished is the end of somebody's patience, with how much was left then.
type unfinished struct{ left int }

func (u *unfinished) Error() string {
	return fmt.Sprintf("interrupted with %d steps left; the heartbeats carry them on, and clmgr actions list tells how they stand", u.left)
}

// follow makes heartbeats until what was queued for the wishes has come to its end,
// well or not, or ctx ends. What runs on a machine then goes on there.
func (m *Manager) follow(ctx context.Context, c command.Command, wishes []*wish) error {
	beat := command.Command{Level: string(heartbeat.Instances), Action: "heartbeat", Cluster: c.Cluster, Door: c.Door}.Normal()
	pause := firstPause
	for {
		view, err := m.ledger.Look(context.WithoutCancel(ctx))
		if err != nil && !errors.As(err, new(*ledger.Unshared)) {
			return err
		}
		left, total := open(view.Queue, wishes)
		if m.waiting != nil {
			m.waiting(total-left, total)
		}
		if left == 0 {
			m.settle(ctx, beat, wishes)
			return nil
		}
		select {
		case <-ctx.Done():
			return &unfinished{left}
		case <-time.After(pause):
		}
		pause = min(2*pause, followPause)
		// What a heartbeat could not see or store is told by the next one that can.
		if b, is := m.heartbeat(ctx, beat).Body.(Beat); is && len(b.Acted) > 0 {
			pause = firstPause
		}
	}
}

// settling is how long machines may take to agree who has a virtual address.
const settling = 10 * time.Second

// settle waits until some machine has the virtual addresses whose guards were started: they
// talk it over first. If none has in time, the next heartbeat tells.
func (m *Manager) settle(ctx context.Context, beat command.Command, wishes []*wish) {
	started := func(w *wish) bool {
		return w.service.Target.VIP.IsValid() && len(w.ids) > 0 && w.wanted.Verb != services.Stop
	}
	if !slices.ContainsFunc(wishes, started) {
		return
	}
	for end := time.Now().Add(settling); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(followPause / 2) {
		b, seen := m.heartbeat(ctx, beat).Body.(Beat)
		if seen && !slices.ContainsFunc(b.Conditions, func(c heartbeat.Condition) bool { return c.State == heartbeat.VIPUnheld }) {
			return
		}
	}
}

// open counts the steps of wishes that may still come to something, and all of them.
// What comes after a step that was given up does not.
func open(q *actions.Queue, wishes []*wish) (left, total int) {
	dead := map[actions.ID]bool{} // given up, or after something that was
	for _, w := range wishes {
		total += len(w.ids)
		rest, vain := 0, false
		for _, id := range w.ids {
			a, known := q.Get(id)
			if !known || a.State() == actions.Done {
				continue
			}
			vain = vain || a.State() == actions.Failed || a.State() == actions.Cancelled ||
				slices.ContainsFunc(a.After, func(id actions.ID) bool { return dead[id] })
			if vain {
				dead[id] = true
				continue
			}
			rest++
		}
		left += rest
	}
	return left, total
}

// tellActed passes on what happens to actions.
func (m *Manager) tellActed(t runner.Told) {
	if m.acted != nil {
		m.acted(DoText(t.Action), string(t.Move), t.Reason)
	}
}
