package config

import "time"

// Peers says how the daemons of managers that share a store watch one another.
type Peers struct {
	Watch        string        `yaml:"watch" default:"auto" enum:"auto|always|never"` // auto: where the store is a memcached
	Interval     time.Duration `yaml:"interval" default:"1s" min:"100ms"`             // between reports
	TTL          time.Duration `yaml:"ttl" default:"10s" min:"200ms"`                 // at least twice Interval
	Window       int           `yaml:"window" default:"100" min:"2" max:"10000"`      // arrivals
	Threshold    int           `yaml:"threshold" default:"8" min:"1" max:"100"`       // of phi
	MinSamples   int           `yaml:"min_samples" default:"10" min:"2" max:"9999"`   // less than Window
	MinDeviation int           `yaml:"min_deviation" default:"50" min:"1" max:"1000"` // in percent of the mean interval
	Members      []string      `yaml:"members" check:"name"`                          // none: all who joined
	Metrics      []PeerMetric  `yaml:"metrics,keyed"`                                 // in the order of the file
}

// PeerMetric is a value that the manager publishes of itself: the first line that a
// command prints on its machine.
type PeerMetric struct {
	Name     string        `yaml:"-" check:"name"` // its key in the file
	Command  string        `yaml:"command" check:"command" need:"true"`
	Interval time.Duration `yaml:"interval" default:"30s" min:"100ms"`
	Timeout  time.Duration `yaml:"timeout" default:"5s" min:"100ms"`
	TTL      time.Duration `yaml:"ttl" min:"100ms"` // at least Interval and Timeout; default: three times Interval and Timeout
}

// checkPeers looks at what the times and counts say to each other. It fills in the
// defaults, which count as well.
func (d *decoder) checkPeers(p *Peers) {
	d.defaults(p)
	if p.TTL > 0 && p.TTL < 2*p.Interval {
		d.problem(d.where(&p.TTL, &p.Interval), "ttl is %s, less than twice the interval, %s: one report that is late would be a failure",
			formatDuration(p.TTL), formatDuration(p.Interval))
	}
	if p.Window > 0 && p.MinSamples >= p.Window {
		d.problem(d.where(&p.MinSamples, &p.Window), "min_samples is %d, wanted less than window, %d", p.MinSamples, p.Window)
	}
	for i := range p.Metrics {
		m := &p.Metrics[i]
		d.defaults(m)
		if m.Command == "" && !d.bad[m] && !d.bad[&m.Command] {
			d.problem(d.where(&m.Command, &m.Name), "the metric %s has no command, the line to run", quoted(m.Name))
		}
		if m.Name == "heartbeat" || m.Name == "load" || m.Name == "memory" || m.Name == "disk" {
			d.problem(d.where(&m.Name), "%s cannot be the name of a metric: every manager publishes it", quoted(m.Name))
		}
		if !d.set(&m.TTL) {
			m.TTL = 3 * (m.Interval + m.Timeout)
		} else if m.TTL > 0 && m.TTL < m.Interval+m.Timeout {
			d.problem(d.where(&m.TTL), "ttl of the metric %s is %s, less than its interval and timeout together, %s",
				quoted(m.Name), formatDuration(m.TTL), formatDuration(m.Interval+m.Timeout))
		}
	}
}
