package peers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// doubt is what is thought of a silence.
type doubt uint8

const (
	none doubt = iota
	some       // a report is overdue
	sure       // late
)

// doubts judges the silence of a peer.
func (w *Watcher) doubts(p *peer) (doubt, string) {
	silence := w.heard - p.since
	ttl := cmp.Or(p.report.TTL, w.settings.TTL)
	phi, judged := p.windows[Heartbeat].Phi(silence, p.report.Interval, w.settings)
	switch {
	case judged && phi >= w.settings.Threshold:
		return sure, p.because("silent for %s, phi %.1f", round(silence), phi)
	case silence >= ttl:
		return sure, p.because("silent for %s, its time to live is %s", round(silence), ttl)
	case silence >= 2*cmp.Or(p.report.Interval, w.settings.Interval):
		return some, ""
	}
	return none, ""
}

func (p *peer) because(format string, args ...any) string {
	why := fmt.Sprintf(format, args...)
	if p.problem != "" {
		why += ": " + p.problem
	}
	return why
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }

// lateMetric judges a metric in a report that has just arrived.
func (w *Watcher) lateMetric(window *Window, t *teller, m Metric) (bool, string) {
	why := ""
	if m.Why != "" {
		why = ": " + m.Why
	}
	if m.Expired() {
		return true, fmt.Sprintf("no value for %s, its time to live is %s%s", round(m.Age), m.TTL, why)
	}
	last := window.last()
	if last == 0 {
		return false, ""
	}
	silence := t.look.At - last
	if phi, judged := window.Phi(silence, 0, w.settings); judged && phi >= w.settings.Threshold {
		return true, fmt.Sprintf("no value for %s, phi %.1f%s", round(silence), phi, why)
	}
	return false, ""
}

// judgePeers looks for peers that became late. Where more than half of two or more are
// silent, it waits until those that are only overdue have come or are late too: then
// it knows whether to blame them or itself.
func (w *Watcher) judgePeers(t *teller) {
	if w.isolation != nil && w.isolation.Silence {
		w.judgeIsolation(t)
		return
	}
	reasons := map[string]string{}
	var late []string
	seen, overdue := 0, 0
	for _, name := range w.names() {
		if w.failed[name] {
			continue
		}
		seen++
		switch doubt, why := w.doubts(w.peers[name]); doubt {
		case sure:
			late, reasons[name] = append(late, name), why
		case some:
			overdue++
		}
	}
	switch most := seen >= 2 && 2*(len(late)+overdue) > seen; {
	case len(late) == 0 || most && overdue > 0:
	case most && w.isolation != nil: // it cannot publish, and has said so
		w.isolation = &Isolation{Silence: true, Lost: late, Of: seen}
	case most:
		w.isolation = &Isolation{Silence: true, Lost: late, Of: seen}
		t.self(seeing, isolated, fmt.Sprintf("%d of %d peers went silent at once: %s", len(late), seen, strings.Join(late, ", ")))
	default:
		for _, name := range late {
			w.failed[name] = true
			w.peers[name].disturbed = true
			t.peer(name, "", alive, failed, reasons[name])
		}
	}
}

// judgeIsolation looks whether so many are back that it was not the watcher who is cut
// off, or is not any more. Who is still away has from now on the time to come back
// that everybody has.
func (w *Watcher) judgeIsolation(t *teller) {
	i := *w.isolation
	i.Lost = slices.DeleteFunc(slices.Clone(i.Lost), func(name string) bool {
		p, watched := w.peers[name]
		return !watched || p.arrives
	})
	for _, name := range w.names() {
		doubt, _ := w.doubts(w.peers[name])
		if doubt == sure && !w.failed[name] && !slices.Contains(i.Lost, name) {
			i.Lost = append(i.Lost, name)
		}
	}
	slices.Sort(i.Lost)
	w.isolation = &i
	if 2*len(i.Lost) > i.Of || t.look.Unpublished != "" {
		return
	}
	w.isolation = nil
	for _, name := range i.Lost {
		w.peers[name].since, w.peers[name].disturbed = w.heard, true
	}
	t.self(isolated, seeing, "")
}

// judgeSelf looks whether the store answers. It names the peers that are not seen, for
// they see this manager fail as well.
func (w *Watcher) judgeSelf(t *teller) {
	out := w.deaf >= w.settings.TTL || w.silent >= w.settings.TTL
	switch {
	case w.isolation == nil && out:
		i := &Isolation{}
		why := "cannot publish for " + round(w.silent).String() + ": " + t.look.Unpublished
		if w.deaf >= w.settings.TTL {
			for _, name := range w.names() {
				if !w.failed[name] {
					i.Lost = append(i.Lost, name)
				}
			}
			i.Of = len(i.Lost)
			why = fmt.Sprintf("cannot see peers %s for %s: %s", strings.Join(i.Lost, ", "), round(w.deaf), t.look.Unread)
		}
		w.isolation = i
		t.self(seeing, isolated, why)
	case w.isolation != nil && !w.isolation.Silence && t.look.Unread == "" && t.look.Unpublished == "":
		w.isolation = nil
		t.self(isolated, seeing, "")
	}
}
