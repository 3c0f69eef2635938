package runner

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Handler does one action: it checks whether what is wanted is so already, does
// what is missing, and verifies. nil says that what is wanted is so. A *Retry or
// a *Wait is no failure; anything else is one. It returns soon after ctx is done.
// The lease it works under is the action's Progress.Claim.
type Handler func(ctx context.Context, a actions.Action) error

// Options are what a Runner is made of.
type Options struct {
	Ledger  *ledger.Ledger
	Manager string
	// Handler returns what does an action; nil for what this program cannot do:
	// that is left to others.
	Handler func(a actions.Action) Handler
	Limits  actions.Limits
	Words   actions.Words
	Width   int                    // how many handlers run at once
	Grace   time.Duration          // how long a stopped handler is waited for
	Clock   func() actions.Instant // the ledger's; nil for ledger.Boottime
	Mask    func(string) string    // takes secrets out of errors
	Tell    func(Told)             // is called as things happen; nil for nobody
}

// Runner does what is due.
type Runner struct{ o Options }

// New makes a Runner.
func New(o Options) *Runner {
	if o.Clock == nil {
		o.Clock = ledger.Boottime
	}
	if o.Mask == nil {
		o.Mask = func(s string) string { return s }
	}
	if o.Tell == nil {
		o.Tell = func(Told) {}
	}
	return &Runner{o}
}

// Input is what a Run goes by.
type Input struct {
	Status heartbeat.Status
	Began  *actions.Queue // see actions.Input
	// Only limits what is claimed; nil for everything.
	Only func(actions.Action) bool
}

// Told is something that happened to an action.
type Told struct {
	Action actions.Action // as it is since then
	Move   actions.Move
	Reason string
	Took   time.Duration // of an attempt
}

// Run claims and does what is due until nothing is left that may start now. It
// returns what happened, in the order in which it was recorded. The error is why
// the ledger could not be used at last; what was under way then was stopped.
func (r *Runner) Run(ctx context.Context, in Input) ([]Told, error) {
	c := r.conductor(ctx, in)
	err := c.conduct()
	return c.told, err
}

// Serve claims and does what is due by the newest Input that it was fed, each of which
// it answers with a turn, until ctx ends or the feed is closed: then it claims nothing
// more, and returns when what it has begun is over. It calls beat at least once a second
// as long as it turns. The error is as that of Run; while a feed goes on, a ledger that
// fails is tried again.
func (r *Runner) Serve(ctx context.Context, feed <-chan Input, beat func()) error {
	in, fed := first(ctx, feed, beat)
	if !fed {
		return nil
	}
	c := r.conductor(ctx, in)
	c.feed, c.beat = feed, beat
	return c.conduct()
}

// first waits for the first Input of a feed; there is none where that is closed or ctx
// ends before.
func first(ctx context.Context, feed <-chan Input, beat func()) (Input, bool) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for beat(); ; beat() {
		select {
		case in, more := <-feed:
			return in, more
		case <-ctx.Done():
			return Input{}, false
		case <-tick.C:
		}
	}
}

func (r *Runner) conductor(ctx context.Context, in Input) *conductor {
	return &conductor{
		r: r, in: in, ctx: ctx, owner: fmt.Sprintf("%s/%d-%s", r.o.Manager, os.Getpid(), strings.ToLower(rand.Text()[:6])),
		running: make(map[actions.ID]*work), left: make(map[actions.ID]bool), ended: make(chan *work, r.o.Width),
	}
}

// conduct takes turns until nothing is left to do.
func (c *conductor) conduct() error {
	for {
		err := c.turn()
		if c.finished(err) {
			return err
		}
		c.wait(err != nil)
	}
}

// WhyUnable is why an action does not start that this program cannot do.
const WhyUnable = "unable"

// Explain judges every unfinished action of a view. What is due and cannot be done
// here is not: another manager may do it.
func (r *Runner) Explain(v ledger.View, in Input) actions.Report {
	report := v.Queue.Due(r.input(v, in))
	for n := range report.Verdicts {
		verdict := &report.Verdicts[n]
		a, _ := v.Queue.Get(verdict.ID)
		if verdict.Due && r.o.Handler(a) == nil {
			verdict.Due, verdict.Why = false, WhyUnable
			verdict.Reason = "cannot be done by this clmgr: " + a.Do.Level + " " + a.Do.Action + " in cluster " + a.Cluster
		}
	}
	return report
}

func (r *Runner) input(v ledger.View, in Input) actions.Input {
	return actions.Input{
		Status: in.Status, Began: in.Began, Now: v.Now, Clock: v.Clock, Leases: v.Leases, Limits: r.o.Limits, Words: r.o.Words,
	}
}

func (r *Runner) clock() actions.Instant { return r.o.Clock() }
