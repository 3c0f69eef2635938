package runner_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/actions/runner"
)

func (n *node) isCut() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cut
}

func (n *node) set(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
}

func (n *node) clock() actions.Instant {
	n.mu.Lock()
	defer n.mu.Unlock()
	return actions.Instant{Boot: n.boot, Since: time.Since(n.booted)}
}

func (n *node) wall() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return time.Now().Add(n.skew)
}

// reboot ends the processes of the node; its clock begins anew.
func (n *node) reboot() {
	n.restart(0)
	n.set(func() { n.boot, n.booted = fmt.Sprintf("%s-%d", n.name, n.w.rng.IntN(1<<30)), time.Now() })
	n.restart(1)
}

// restart kills the processes of the node and starts so many.
func (n *node) restart(processes int) {
	var old []*life
	n.set(func() { old, n.lives = n.lives, nil })
	for _, l := range old {
		l.kill()
	}
	for range processes {
		l := n.process()
		n.set(func() { n.lives = append(n.lives, l) })
		n.w.all.Go(l.live)
	}
}

func (n *node) process() *life {
	l := &life{w: n.w, node: n, dead: make(chan struct{}), rng: rand.New(rand.NewPCG(n.w.rng.Uint64(), 1))}
	l.ledger = ledger.New(ledger.Options{
		Shared: &way{n.w.shared, l, true}, Own: &way{n.disk, l, false}, Manager: n.name, Forgets: true, Limits: modelLimits(),
		Clock: n.clock, Now: n.wall,
	})
	l.runner = runner.New(runner.Options{
		Ledger: l.ledger, Manager: n.name, Limits: modelLimits(), Words: actions.UsualWords(), Width: 4, Grace: time.Second,
		Clock: n.clock, Handler: func(actions.Action) runner.Handler { return l.handle },
	})
	return l
}
