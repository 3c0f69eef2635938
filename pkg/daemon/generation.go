package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// generation is a Set whose loops go on.
type generation struct {
	set    *Set
	cancel context.CancelFunc
	prompt sync.WaitGroup // loops that stop soon
	all    sync.WaitGroup
	before <-chan struct{} // closed when the loops of earlier ones have ended; nil for none
	over   chan struct{}   // closed when all loops have ended and the set is closed
	err    error           // of closing; readable then
}

// begin begins the loops of a set.
func (d *running) begin(ctx context.Context, set *Set) *generation {
	ctx, cancel := context.WithCancel(ctx)
	g := &generation{set: set, cancel: cancel, over: make(chan struct{})}
	d.number++
	d.web.serve(set.Metrics)
	for _, l := range set.Loops {
		g.all.Add(1)
		name := l.Name
		if l.Drains { // those of the generation before may still be there
			name = fmt.Sprintf("%s/%d", l.Name, d.number)
		} else {
			g.prompt.Add(1)
		}
		d.pulses.begin(name, time.Now())
		go func() {
			defer g.all.Done()
			if !l.Drains {
				defer g.prompt.Done()
			}
			defer d.pulses.end(name)
			l.keep(ctx, func() {
				stall(l.Name)
				d.pulses.beat(name, time.Now())
			}, func(err error) {
				d.pulses.fail(name)
				d.log.Error("a loop failed", "loop", l.Name, "error", err)
			})
		}()
	}
	go func() {
		defer close(g.over)
		g.all.Wait()
		if set.Close != nil {
			g.err = set.Close()
		}
	}()
	return g
}

// stop has the loops stop, and waits for those that do so soon.
func (g *generation) stop(log *slog.Logger) {
	g.cancel()
	began := time.Now()
	g.prompt.Wait()
	if took := time.Since(began); took > 10*time.Second {
		log.Warn("loops took their time to stop", "time", took.Round(time.Millisecond))
	}
}

// lingers is closed when this and all generations before it have ended.
func (g *generation) lingers() <-chan struct{} {
	out := make(chan struct{})
	go func() {
		defer close(out)
		<-g.over
		if g.before != nil {
			<-g.before
		}
	}()
	return out
}

// finish ends the generation and waits for it, and for what is left of earlier ones.
func (g *generation) finish(log *slog.Logger) error {
	g.stop(log)
	timer := time.NewTimer(g.set.Drain)
	defer timer.Stop()
	select {
	case <-g.lingers():
		return g.err
	case <-timer.C:
		return errors.New("cannot end in time: what was begun is not over; it goes on with the next start, or another manager")
	}
}
