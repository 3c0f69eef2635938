package manager

import (
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Upkeep is what a daemon keeps from one configuration to the next: when the last
// heartbeat was, what it saw, and how many there were.
type Upkeep struct {
	mu      sync.Mutex
	last    time.Time // on the grid of beats; zero before the first
	ended   time.Time // of the last one that was over
	took    time.Duration
	summary summary
	slow    bool // the last one took longer than its interval
	seen    chan struct{}

	beats, missed *prometheus.CounterVec
	duration      prometheus.Histogram
	instances     *prometheus.GaugeVec
	services      *prometheus.GaugeVec
	queue         *prometheus.GaugeVec
	moves         *prometheus.CounterVec
}

// summary is what one heartbeat came to.
type summary struct {
	instances, instancesUp, services, servicesUp int
	waiting, running, failed                     int
	fault                                        string // why it could not be recorded or shared; empty where it could
}

// NewUpkeep makes the Upkeep of a daemon that begins.
func NewUpkeep() *Upkeep {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	return &Upkeep{
		seen:   make(chan struct{}),
		beats:  counter("clmgr_heartbeats_total", "Heartbeats, by whether they could be recorded.", "outcome"),
		missed: counter("clmgr_heartbeats_missed_total", "Heartbeats that were not made, because the one before took too long."),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "clmgr_heartbeat_seconds", Help: "How long a heartbeat took.", Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 20},
		}),
		instances: gauge("clmgr_instances", "Machines, by their state.", "cluster", "state"),
		services:  gauge("clmgr_services", "Services, by their code.", "cluster", "code"),
		queue:     gauge("clmgr_actions", "Delayed actions, by their state.", "state"),
		moves:     counter("clmgr_action_moves_total", "What happened to actions here.", "move"),
	}
}

func (u *Upkeep) collectors() []prometheus.Collector {
	return []prometheus.Collector{u.beats, u.missed, u.duration, u.instances, u.services, u.queue, u.moves}
}

// Describe is of prometheus.Collector.
func (u *Upkeep) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range u.collectors() {
		c.Describe(ch)
	}
}

// Collect is of prometheus.Collector.
func (u *Upkeep) Collect(ch chan<- prometheus.Metric) {
	for _, c := range u.collectors() {
		c.Collect(ch)
	}
}

// begins tells when the next heartbeat is to begin, and counts those that were missed.
func (u *Upkeep) begins(now time.Time, interval time.Duration, prompt bool) time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	at, missed := nextBeat(u.last, now, interval, prompt)
	u.missed.WithLabelValues().Add(float64(missed))
	return at
}

// began notes that the heartbeat of at has begun.
func (u *Upkeep) began(at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.last = at
}

// note takes down how a heartbeat ended. It tells whether heartbeats have become slow, or
// have become fast enough again.
func (u *Upkeep) note(s sight, now time.Time, took, interval time.Duration) (turned bool) {
	sum := summary{waiting: s.Waiting, running: s.Running, failed: len(s.Failed)}
	u.instances.Reset()
	u.services.Reset()
	for _, i := range s.Instances {
		sum.instances++
		if i.State == "running" && !i.Stale {
			sum.instancesUp++
		}
		u.instances.WithLabelValues(i.Cluster, i.State).Inc()
	}
	for _, v := range s.Services {
		sum.services++
		if v.Code == "000000" && !v.Stale {
			sum.servicesUp++
		}
		u.services.WithLabelValues(v.Cluster, string(v.Code)).Inc()
	}
	outcome := "recorded"
	if err := s.fault(); err != nil {
		sum.fault, outcome = oneLine(err), "failed"
	}
	u.queue.WithLabelValues("waiting").Set(float64(sum.waiting))
	u.queue.WithLabelValues("running").Set(float64(sum.running))
	u.queue.WithLabelValues("failed").Set(float64(sum.failed))
	u.beats.WithLabelValues(outcome).Inc()
	u.duration.Observe(took.Seconds())
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended.IsZero() {
		close(u.seen)
	}
	turned, u.slow = u.slow != (took > interval), took > interval
	u.ended, u.took, u.summary = now, took, sum
	return turned
}

// Status is how things are, in one line.
func (u *Upkeep) Status() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended.IsZero() {
		return "the first heartbeat is under way"
	}
	s := u.summary
	line := fmt.Sprintf("%d of %d instances and %d of %d services running; actions: %d waiting, %d running, %d failed; last heartbeat %s ago, took %s",
		s.instancesUp, s.instances, s.servicesUp, s.services, s.waiting, s.running, s.failed,
		time.Since(u.ended).Round(time.Second), u.took.Round(time.Millisecond))
	if s.fault != "" {
		line += "; " + s.fault
	}
	return line
}
