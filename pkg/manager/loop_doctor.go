package manager

import (
	"context"
	"time"

	"github.com/clmgr/clmgr/pkg/daemon"
)

// eventsPause is how often the log of events is looked at when nobody of this process has
// written there: a heartbeat of cron may have.
const eventsPause = 5 * time.Second

// doctorMost is how long doctor scripts may go on before they are taken to hang; each has
// a limit of its own.
const doctorMost = 10 * time.Minute

// doctorLoop hands events to the doctor scripts as they come.
func (m *Manager) doctorLoop() daemon.Loop {
	began := time.Now()
	return daemon.Loop{Name: "doctor", Run: func(ctx context.Context, beat func()) error {
		for {
			heard := m.told.heard()
			var err error
			daemon.Within(beat, doctorMost, func() { _, err = m.treat(ctx, began) })
			if err != nil && ctx.Err() == nil {
				return err
			}
			if !daemon.Await(ctx, beat, eventsPause, heard) {
				return nil
			}
		}
	}}
}
