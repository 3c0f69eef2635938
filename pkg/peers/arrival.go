package peers

import "maps"

// take takes in what was read of a peer. The first report that is seen of it only says
// where to begin: how old it is nobody can tell.
func (w *Watcher) take(t *teller, name string, seen Seen) {
	p := w.peers[name]
	p.problem = seen.Problem
	r := seen.Report
	if seen.Problem != "" || r.Life == p.report.Life && r.Seq <= p.report.Seq {
		return
	}
	first := p.report.Life == ""
	p.renew(r)
	p.report = r
	if first {
		return
	}
	p.arrives = true
	w.arrive(t, name, p)
	p.arrived, p.since, p.disturbed = t.look.At, w.heard, false
}

// renew forgets what a report shows to be of the past: the windows of a peer that
// publishes at another pace now, those of metrics where it was started anew.
func (p *peer) renew(r Report) {
	beat := p.windows[Heartbeat]
	paced := beat.gaps == 0 || beat.mean >= r.Interval/2 && beat.mean <= 2*r.Interval
	if p.report.Life != "" {
		paced = r.Interval == p.report.Interval
	}
	if !paced {
		beat.clear()
	}
	if r.Life != p.report.Life {
		p.disturbed = true
		clear(p.seqs)
		maps.DeleteFunc(p.windows, func(metric string, _ *Window) bool { return metric != Heartbeat })
	}
}

// arrive adds a report to the windows and judges its metrics.
func (w *Watcher) arrive(t *teller, name string, p *peer) {
	sample := Sample{Arrived: t.look.At}
	if !p.disturbed {
		sample.Gap = w.heard - p.since
	}
	p.windows[Heartbeat].Add(sample)
	if w.failed[name] {
		delete(w.failed, name)
		t.peer(name, "", failed, alive, "")
	}
	current := map[string]bool{Heartbeat: true}
	for _, m := range p.report.Metrics {
		if m.Name != Heartbeat {
			current[m.Name] = true
			w.arriveMetric(t, name, p, m)
		}
	}
	for metric := range p.seqs {
		if !current[metric] {
			p.drop(metric)
		}
	}
	w.forgetMetrics(t, name, current)
}

func (p *peer) drop(metric string) {
	delete(p.windows, metric)
	delete(p.seqs, metric)
}

// arriveMetric takes in a metric of a new report. Its time is the report's: what is
// measured more rarely arrives with some report and is in the window as late as that.
func (w *Watcher) arriveMetric(t *teller, name string, p *peer, m Metric) {
	key := name + "/" + m.Name
	before, known := p.seqs[m.Name]
	p.seqs[m.Name] = m.Seq
	window := p.window(m.Name, w.settings.Window)
	if m.Valid && m.Seq > 0 && (!known || m.Seq != before) {
		s := Sample{Value: m.Value, Arrived: t.look.At}
		if last := window.last(); known && m.Seq == before+1 && !p.disturbed && last > 0 {
			s.Gap = t.look.At - last
		}
		window.Add(s)
	}
	late, why := w.lateMetric(window, t, m)
	switch {
	case m.Seq == 0: // never valid, as far as its manager knows
	case late && !w.failed[key]:
		w.failed[key] = true
		t.peer(name, m.Name, alive, failed, why)
	case !late && w.failed[key]:
		delete(w.failed, key)
		t.peer(name, m.Name, failed, alive, "")
	}
}
