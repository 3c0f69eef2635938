package peers

import (
	"maps"
	"slices"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Look is what one reading of the store found.
type Look struct {
	At      time.Duration   // when it was over, on the watcher's clock, which nobody sets
	Wall    time.Time       // the same for people
	Members Members         // of the shared list
	Reports map[string]Seen // by peer; who is missing was not asked for
	// Unread is why not all could be read, Unpublished why the watcher's own report
	// could not be written; empty where they could.
	Unread, Unpublished string
}

// Seen is what stood in the place of a peer's report.
type Seen struct {
	Report  Report
	Problem string // why there is no report
}

// Watcher judges the peers of one manager.
type Watcher struct {
	me        string
	settings  Settings
	members   Members
	peers     map[string]*peer
	failed    map[string]bool // PEER or PEER/METRIC
	isolation *Isolation

	begun        bool
	last, sawAt  time.Duration // of the last look, and of the last one that saw
	heard        time.Duration // how long the watcher could hear, in all
	deaf, silent time.Duration // for how long now it cannot read, cannot publish
}

// peer is what is known of one.
type peer struct {
	report    Report // the last one; without Life until there is one
	windows   map[string]*Window
	seqs      map[string]uint64
	arrived   time.Duration // of the last arrival
	since     time.Duration // in heard time: the beginning of its silence
	disturbed bool          // the next interval says nothing
	problem   string
	arrives   bool // in the look under way
}

// NewWatcher makes the watcher of a manager out of what it knew.
func NewWatcher(me string, s Settings, known State) *Watcher {
	w := &Watcher{
		me: me, settings: s, members: known.Members.Merge(nil).With(me), peers: map[string]*peer{},
		failed: map[string]bool{}, isolation: known.Isolation,
	}
	for _, name := range known.Failed {
		w.failed[name] = true
	}
	for _, name := range w.names() {
		p := w.meet(name)
		p.windows[Heartbeat].restore(known.Gaps[name])
	}
	return w
}

// Members returns who is known to be in.
func (w *Watcher) Members() Members { return w.members.Merge(nil) }

// names are the peers that are watched, sorted.
func (w *Watcher) names() []string {
	return slices.DeleteFunc(w.members.Names(), func(name string) bool {
		return name == w.me || len(w.settings.Only) > 0 && !slices.Contains(w.settings.Only, name)
	})
}

// Ask returns the peers whose next report may be there: asking before that is in vain.
func (w *Watcher) Ask(at time.Duration) []string {
	return slices.DeleteFunc(w.names(), func(name string) bool {
		p, known := w.peers[name]
		return known && p.arrived > 0 && at-p.arrived < p.report.Interval*3/4
	})
}

// Window returns the arrivals of a metric of a peer, newest first.
func (w *Watcher) Window(name, metric string) []Sample {
	p, known := w.peers[name]
	if !known || p.windows[metric] == nil {
		return nil
	}
	return p.windows[metric].All()
}

// State returns what has to be known after a restart; nothing of an outbox.
func (w *Watcher) State() State {
	s := State{Version: stateVersion, Members: w.Members(), Isolation: w.isolation, Gaps: map[string][]time.Duration{}}
	s.Failed = w.failures()
	for name, p := range w.peers {
		if gaps := p.windows[Heartbeat].Gaps(); len(gaps) > 0 {
			s.Gaps[name] = gaps
		}
	}
	return s
}

// failures are PEER or PEER/METRIC of what failed, sorted.
func (w *Watcher) failures() []string { return slices.Sorted(maps.Keys(w.failed)) }

// Pass takes a look in and returns what is to be told of it. Looks come in their order.
func (w *Watcher) Pass(l Look) []heartbeat.Event {
	t := teller{w, l, nil}
	w.members = w.members.Merge(l.Members).With(w.me)
	w.forget(&t)
	for _, name := range w.names() {
		w.meet(name)
	}
	w.listen(l)
	for _, name := range w.names() {
		w.peers[name].arrives = false
		if seen, asked := l.Reports[name]; asked {
			w.take(&t, name, seen)
		}
	}
	w.judgeSelf(&t)
	if l.Unread == "" {
		w.judgePeers(&t)
	}
	return t.events
}

// listen counts the time in which the watcher could hear. After a time without the
// store that was long enough to miss a report, nobody has been silent yet: others may
// not have been able to publish either.
func (w *Watcher) listen(l Look) {
	step := max(w.settings.Interval, time.Second)
	gap := l.At - w.last
	if !w.begun {
		gap, w.begun, w.sawAt = 0, true, l.At
	}
	w.last = l.At
	took := min(gap, step)
	w.silent = grow(w.silent, took, l.Unpublished != "")
	w.deaf = grow(w.deaf, took, l.Unread != "")
	if l.Unread != "" {
		return
	}
	w.heard += took
	deaf := l.At - w.sawAt - gap // until the look before this one
	w.sawAt = l.At
	for _, p := range w.peers {
		p.disturbed = p.disturbed || gap > step || deaf > 0
		if deaf > step {
			p.since = w.heard
		}
	}
}

func grow(d, by time.Duration, on bool) time.Duration {
	if on {
		return d + by
	}
	return 0
}

// meet returns what is known of a peer, from now on where it is nothing.
func (w *Watcher) meet(name string) *peer {
	p, known := w.peers[name]
	if !known {
		p = &peer{windows: map[string]*Window{Heartbeat: NewWindow(w.settings.Window)}, seqs: map[string]uint64{}, since: w.heard, disturbed: true}
		w.peers[name] = p
	}
	return p
}

func (p *peer) window(metric string, most int) *Window {
	if p.windows[metric] == nil {
		p.windows[metric] = NewWindow(most)
	}
	return p.windows[metric]
}
