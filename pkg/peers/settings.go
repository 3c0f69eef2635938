package peers

import "time"

// Settings say how peers are watched.
type Settings struct {
	Interval   time.Duration // between a manager's own reports
	TTL        time.Duration // how long a report is good
	Window     int           // arrivals kept of a peer and metric
	Threshold  float64       // of phi; 8 is one mistake in 10⁸ judgements
	MinSamples int           // intervals in a window before phi judges
	// MinDeviation is the least standard deviation that phi counts with, as a share of
	// the mean interval: arrivals may be as regular as clockwork until a machine is
	// busy for a moment. Not 0.
	MinDeviation float64
	// Only names the peers that are watched; empty for all who joined.
	Only []string
}

// Heartbeat is the metric that each report has: that it arrives is its value.
const Heartbeat = "heartbeat"
