package manager

import (
	"context"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/actions/runner"
	"github.com/clmgr/clmgr/pkg/daemon"
)

// feed holds the newest of what the queue is to go by, until it is taken.
type feed struct {
	mu     sync.Mutex
	out    chan runner.Input
	last   runner.Input
	given  bool
	closed bool
}

func newFeed() *feed { return &feed{out: make(chan runner.Input, 1)} }

// put gives something newer. It never waits: what was not taken is replaced.
func (f *feed) put(in runner.Input) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last, f.given = in, true; !f.closed {
		f.replace()
	}
}

// again gives the newest once more, for actions that were queued since.
func (f *feed) again() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.given && !f.closed {
		f.replace()
	}
}

func (f *feed) replace() {
	select {
	case <-f.out:
	default:
	}
	f.out <- f.last
}

func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.closed = true
		close(f.out)
	}
}

// queueLoop does what is due, whenever a heartbeat has seen something or something was
// queued. When it is to stop it claims nothing more, and what it has begun has as long as
// the configuration gives it; what is not over by then is handed back.
func (m *Manager) queueLoop(feed *feed) daemon.Loop {
	return daemon.Loop{Name: "queue", Drains: true, Run: func(ctx context.Context, beat func()) error {
		hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		stop := context.AfterFunc(ctx, func() {
			feed.close()
			time.AfterFunc(m.cfg.Daemon.Drain, cancel)
		})
		defer stop()
		return m.runner.Serve(hard, feed.out, beat)
	}}
}
