package peers

import (
	"slices"
	"strconv"
	"strings"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// The states that events tell.
const (
	Failed    = "failed"    // a peer that is late, or a metric of one that lives
	Forgotten = "forgotten" // one that failed and is a peer no more

	alive    = heartbeat.Running
	failed   = Failed
	seeing   = heartbeat.Seeing
	isolated = heartbeat.Isolated
)

// teller collects the events of one look.
type teller struct {
	watcher *Watcher
	look    Look
	events  []heartbeat.Event
}

// peer tells of a peer, or of one of its metrics.
func (t *teller) peer(name, metric, was, is, why string) {
	e := heartbeat.Event{
		Key:    heartbeat.Key{Kind: heartbeat.Peers, Name: name},
		Labels: map[string]string{"peer": name, "metric": Heartbeat},
		Reason: why,
	}
	if metric != "" {
		e.Key.Name, e.Labels["metric"] = name+"/"+metric, metric
	}
	if p, known := t.watcher.peers[name]; known {
		e.IP = p.report.IP
	}
	t.tell(e, was, is)
}

// self tells of this manager.
func (t *teller) self(was, is, why string) {
	e := heartbeat.Event{Key: heartbeat.Key{Kind: heartbeat.Managers, Name: t.watcher.me}, Reason: why}
	if i := t.watcher.isolation; i != nil && len(i.Lost) > 0 {
		e.Labels = map[string]string{"lost": strings.Join(i.Lost, ",")}
	}
	t.tell(e, was, is)
}

// tell gives an event its id, by the time: state changes back and forth.
func (t *teller) tell(e heartbeat.Event, was, is string) {
	e.Was.State, e.Is.State = was, is
	e.At, e.Manager = t.look.Wall, t.watcher.me
	t.events = append(t.events, e.Occur(strconv.FormatInt(t.look.Wall.UnixNano(), 10)))
}

// forget drops who is a peer no more. What was told to have failed is over.
func (w *Watcher) forget(t *teller) {
	current := map[string]bool{}
	for _, name := range w.names() {
		current[name] = true
	}
	for _, key := range w.failures() {
		name, metric, _ := strings.Cut(key, "/")
		if !current[name] {
			delete(w.failed, key)
			t.peer(name, metric, failed, Forgotten, "")
		}
	}
	for name := range w.peers {
		if !current[name] {
			delete(w.peers, name)
		}
	}
	if i := w.isolation; i != nil {
		left := slices.DeleteFunc(slices.Clone(i.Lost), func(name string) bool { return !current[name] })
		w.isolation = &Isolation{i.Silence, left, i.Of - len(i.Lost) + len(left)}
	}
}

// forgetMetrics drops what a peer does not publish any more.
func (w *Watcher) forgetMetrics(t *teller, name string, current map[string]bool) {
	for _, key := range w.failures() {
		if metric, of := strings.CutPrefix(key, name+"/"); of && !current[metric] {
			delete(w.failed, key)
			t.peer(name, metric, failed, Forgotten, "")
		}
	}
}
