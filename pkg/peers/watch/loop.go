package watch

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/peers"
	"github.com/clmgr/clmgr/pkg/store"
)

// Options are what a Loop works with.
type Options struct {
	Manager  string // its name, by which the others know it
	Settings peers.Settings
	Shared   store.Store // where the managers publish
	Own      store.Store // this manager's own, on its disk
	// Tell makes events known, and returns when they are durable. It may be given an
	// event again, which then has the id that it had.
	Tell     func(context.Context, []heartbeat.Event) error
	IP       netip.Addr // of the configured machine that this is, where it is one
	Disk     string     // a folder on the file system whose fill is published
	Gauges   []Gauge
	Mask     func(string) string // takes secrets out of what gauges say
	Patience time.Duration       // for the store in one pass; 0 for 800 ms
}

// The times of a loop.
const (
	defaultPatience = 800 * time.Millisecond
	leastTick       = 20 * time.Millisecond
	mostTick        = 500 * time.Millisecond
	ownTime         = 5 * time.Second  // for the own store
	stuck           = 30 * time.Second // a delivery that takes longer hangs
)

// stateKey is where a loop keeps what it knows, in the own store.
const stateKey = "watch/peers"

// Loop is the watch of one manager over the others.
type Loop struct {
	o    Options
	tick time.Duration
}

// New makes a Loop. Nothing is contacted yet.
func New(o Options) *Loop {
	if o.Patience == 0 {
		o.Patience = defaultPatience
	}
	return &Loop{o: o, tick: min(max(o.Settings.Interval/4, leastTick), mostTick)}
}

// running is a Loop that runs. Its fields belong to the goroutine of Run.
type running struct {
	*Loop
	begun   time.Time
	life    string
	seq     uint64
	watcher *peers.Watcher
	known   peers.State // as it is stored
	gauges  *gauges
	once    map[string]bool // what could be measured of this machine
	outbox  delivery

	publishedAt time.Duration // of the last try; negative before the first
	unpublished string        // why that failed
	members     peers.Members // of the shared list, read as often
	unlisted    string        // why that failed
}

// Run watches until ctx ends, and calls beat after every pass: while nothing hangs,
// more than once a second. It returns an error where the own store fails.
func (l *Loop) Run(ctx context.Context, beat func()) error {
	known, err := l.recall(ctx)
	if err != nil {
		return err
	}
	measuring, enough := context.WithCancel(ctx)
	gauges := l.startGauges(measuring)
	defer gauges.wait()
	defer enough()
	r := &running{
		Loop: l, begun: time.Now(), life: rand.Text(), known: known, gauges: gauges, publishedAt: -1,
		watcher: peers.NewWatcher(l.o.Manager, l.o.Settings, known), outbox: newDelivery(l.o.Tell),
		once: map[string]bool{},
	}
	ticker := time.NewTicker(l.tick)
	defer ticker.Stop()
	for {
		if err := r.pass(ctx); err != nil || ctx.Err() != nil {
			return r.end(ctx, err)
		}
		if r.outbox.since(time.Now()) < stuck {
			beat()
		}
		select {
		case <-ctx.Done():
		case done := <-r.outbox.done:
			err = r.delivered(ctx, done)
		case <-ticker.C:
		}
		if err != nil {
			return r.end(ctx, err)
		}
	}
}

// pass looks once, keeps what that changed and has it told.
func (r *running) pass(ctx context.Context) error {
	look, whole := r.look(ctx)
	if !whole {
		return nil
	}
	before := r.known
	events := r.watcher.Pass(look)
	if len(events) > 0 || !sameMembers(before.Members, r.watcher.Members()) {
		next := r.watcher.State()
		next.Outbox = slices.Concat(before.Outbox, events)
		if err := r.keep(ctx, next); err != nil {
			return err
		}
	}
	r.outbox.start(ctx, r.known.Outbox)
	return nil
}

// delivered takes what was told out of the outbox. What was not told is told again.
func (r *running) delivered(ctx context.Context, d told) error {
	if !r.outbox.ended(d) {
		return nil
	}
	next := r.watcher.State()
	next.Outbox = r.known.Told(d.events).Outbox
	return r.keep(ctx, next)
}

// end keeps the windows, and waits a moment for a delivery under way.
func (r *running) end(ctx context.Context, err error) error {
	next := r.watcher.State()
	next.Outbox = r.known.Outbox
	if r.outbox.last(time.Second) {
		next.Outbox = r.known.Told(r.outbox.events).Outbox
	}
	if kept := r.keep(ctx, next); err == nil {
		err = kept
	}
	return err
}

// recall reads what was known before.
func (l *Loop) recall(ctx context.Context) (peers.State, error) {
	ctx, cancel := context.WithTimeout(ctx, ownTime)
	defer cancel()
	b, err := get(ctx, l.o.Own, stateKey)
	if err != nil {
		return peers.State{}, fmt.Errorf("cannot watch peers: %w", err)
	}
	return peers.DecodeState(b)
}

// keep stores what is known, also when the loop is about to end. Nobody else writes there.
func (r *running) keep(ctx context.Context, next peers.State) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ownTime)
	defer cancel()
	b, err := next.Encode()
	if err != nil {
		return fmt.Errorf("cannot keep what is known of peers: %w", err)
	}
	if err := r.o.Own.Update(ctx, stateKey, "peers", func([]byte) ([]byte, error) { return b, nil }); err != nil {
		return err
	}
	r.known = next
	return nil
}
