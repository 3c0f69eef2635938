package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"
)

// Set is what one configuration makes the daemon of.
type Set struct {
	Loops []Loop
	// Listen is where /metrics and /healthz are served, HOST:PORT; empty for nowhere.
	Listen string
	// Status is how things are, in one line.
	Status func() string
	// Ready tells that the daemon has done for the first time what it is there for.
	Ready <-chan struct{}
	// Metrics are added to those of the daemon itself; nil for none.
	Metrics prometheus.Collector
	// Drain is how long loops that drain are waited for when the daemon ends.
	Drain time.Duration
	// Close is called once all loops have ended.
	Close func() error
}

// Options are what a daemon runs with.
type Options struct {
	// Load makes a Set from the configuration as it is then. Nothing of it goes on
	// before Run begins its loops.
	Load func(context.Context) (*Set, error)
	// Reload asks for another Set.
	Reload <-chan os.Signal
	Log    *slog.Logger
}

// running is a daemon at work.
type running struct {
	Options
	log     *slog.Logger
	pulses  *pulses
	web     *web
	reloads *prometheus.CounterVec
	ready   bool
	number  int // of the generation
}

// statusEvery is how often the line that systemctl status shows is renewed.
const statusEvery = 5 * time.Second

// Run runs the daemon until ctx ends, then stops it in order. The error is why it could
// not begin, or end well.
func Run(ctx context.Context, o Options) error {
	d := &running{Options: o, log: o.Log, pulses: newPulses()}
	first, err := o.Load(ctx)
	if err != nil {
		return err
	}
	d.web = newWeb(d.pulses)
	d.reloads = d.web.counter("clmgr_daemon_reloads_total", "How many times the configuration was read again, by outcome.", "outcome")
	if err := d.web.listen(ctx, first.Listen); err != nil {
		return errors.Join(err, first.Close())
	}
	defer d.web.close()
	now := d.begin(ctx, first)
	stopWatch := d.startWatchdog(ctx)
	defer stopWatch()
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	ready := first.Ready
	for {
		select {
		case <-ctx.Done():
			d.notify(daemon.SdNotifyStopping)
			return now.finish(d.log)
		case <-ready:
			ready, d.ready = nil, true
			d.web.setReady()
			d.notify(daemon.SdNotifyReady + "\nSTATUS=" + now.set.Status())
		case <-tick.C:
			d.notify("STATUS=" + now.set.Status())
		case <-o.Reload:
			if next := d.reload(ctx, now); next != nil {
				now = next
				if !d.ready {
					ready = now.set.Ready
				}
			}
		}
	}
}

// reload replaces what runs by what the configuration says now. Where that is bad what
// runs goes on, and nil is returned.
func (d *running) reload(ctx context.Context, old *generation) *generation {
	d.notify(reloading())
	defer func() {
		if d.ready { // else the first heartbeat will say so
			d.notify(daemon.SdNotifyReady)
		}
	}()
	set, err := d.Load(ctx)
	if err == nil {
		if err = d.web.listen(ctx, set.Listen); err != nil {
			err = errors.Join(err, set.Close())
		}
	}
	if err != nil {
		d.reloads.WithLabelValues("refused").Inc()
		d.log.Error("the configuration was not taken, the one before goes on", "error", err)
		d.notify(fmt.Sprintf("STATUS=the configuration was not taken, the one before goes on: %.200s", err))
		return nil
	}
	old.stop(d.log)
	next := d.begin(ctx, set)
	next.before = old.lingers()
	d.reloads.WithLabelValues("done").Inc()
	d.log.Info("the configuration was read again", "loops", len(set.Loops))
	return next
}

// startWatchdog begins to tell systemd's watchdog how the loops do, where it asks.
func (d *running) startWatchdog(ctx context.Context) (stop func()) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		d.log.Warn("cannot read what systemd's watchdog asks for", "error", err)
	}
	if interval <= 0 {
		return func() {}
	}
	// It goes on while the daemon stops: an end that hangs is ended too.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go d.watch(ctx, interval)
	return cancel
}

// notify tells systemd something; where there is none nobody is told.
func (d *running) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		d.log.Warn("cannot tell systemd", "state", state, "error", err)
	}
}
