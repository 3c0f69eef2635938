package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// leastPatience is how long a loop may be silent however short the watchdog's time is: a
// loop beats once a second, and a busy machine may keep it waiting.
const leastPatience = 2500 * time.Millisecond

// verdict is what the watchdog is told: nothing, that all is well, or that a loop hangs.
type verdict struct {
	alive bool
	hung  *Turn
}

// judge decides it. Interval is the time that systemd waits for a sign of life, due
// whether half of it has passed since the last one.
func judge(turns []Turn, interval time.Duration, due bool) verdict {
	if stuck := late(turns, max(interval/2, leastPatience)); len(stuck) > 0 {
		return verdict{hung: &stuck[0]}
	}
	return verdict{alive: due && len(late(turns, max(interval/4, leastPatience))) == 0}
}

// watch tells systemd's watchdog how the loops do, until ctx ends.
func (d *running) watch(ctx context.Context, interval time.Duration) {
	tick := time.NewTicker(min(max(interval/8, 50*time.Millisecond), BeatEvery))
	defer tick.Stop()
	said := time.Now()
	d.notify(daemon.SdNotifyWatchdog)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		v := judge(d.pulses.turns(now), interval, now.Sub(said) >= interval/2)
		switch {
		case v.hung != nil:
			d.log.Error("a loop hangs, and the watchdog is told", "loop", v.hung.Name, "for", v.hung.Age.Round(time.Millisecond))
			d.notify(fmt.Sprintf("STATUS=the loop %s hangs for %s", v.hung.Name, v.hung.Age.Round(time.Second)))
			d.notify("WATCHDOG=trigger")
			return
		case v.alive:
			d.notify(daemon.SdNotifyWatchdog)
			said = now
		}
	}
}
