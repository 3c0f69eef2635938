package manager

import (
	"context"
	"errors"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/daemon"
)

// rulesPause lies between two turns of the rules when nobody of this process has logged
// an event: in it lies what waits for time, and what another process has logged.
const rulesPause = time.Second

// rulesLoop has the rules take their turn, whenever there are events and once a second.
// queued is called with what was queued, so that somebody does it at once; it must not
// wait for that. All that is to be remembered is in the store: another loop goes on where
// this one ended.
func (m *Manager) rulesLoop(queued func([]actions.ID)) daemon.Loop {
	began := time.Now()
	return daemon.Loop{Name: "rules", Run: func(ctx context.Context, beat func()) error {
		turner := m.newTurner(m.rules, queued, beat)
		for {
			heard := m.told.heard()
			r, err := turner.Turn(ctx, time.Now(), began)
			if err = errors.Join(r.Warning, err); err != nil && ctx.Err() == nil {
				return err
			}
			if !daemon.Await(ctx, beat, rulesPause, heard) {
				return nil
			}
		}
	}}
}
