package peers

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"
)

// Report is what a manager publishes of itself, in one document that it alone writes.
// Ages and times to live are durations on its own clock, so that no reader has to
// compare clocks.
type Report struct {
	Peer     string        // the manager's name
	Life     string        // drawn at each start of its loop
	Seq      uint64        // of the report in this life, from 1
	Interval time.Duration // until its next report
	TTL      time.Duration // how long this one is good
	IP       netip.Addr    // of the configured machine that it runs on; zero where there is none
	Metrics  []Metric
}

// Metric is one value.
type Metric struct {
	Name  string
	Value string        // the last valid one
	Seq   uint64        // counts valid measurements; 0 before the first
	Age   time.Duration // of the value when the report was made
	TTL   time.Duration // how long a value is good
	Valid bool          // whether the last measurement gave a value
	Why   string        // why it did not
}

// Expired tells whether the value was too old already when the report was made.
func (m Metric) Expired() bool { return m.Age >= m.TTL }

// reportVersion is that of the document.
const reportVersion = 1

// wireReport is the document; times are in milliseconds.
type wireReport struct {
	Version    int          `json:"version"`
	Peer       string       `json:"peer"`
	Life       string       `json:"life"`
	Seq        uint64       `json:"seq"`
	IntervalMS int64        `json:"interval_ms"`
	TTLMS      int64        `json:"ttl_ms"`
	IP         netip.Addr   `json:"ip,omitzero"`
	Metrics    []wireMetric `json:"metrics"`
}

type wireMetric struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Seq   uint64 `json:"seq"`
	AgeMS int64  `json:"age_ms,omitempty"`
	TTLMS int64  `json:"ttl_ms"`
	Valid bool   `json:"valid"`
	Why   string `json:"why,omitempty"`
}

// Encode gives the document.
func (r Report) Encode() ([]byte, error) {
	w := wireReport{
		Version: reportVersion, Peer: r.Peer, Life: r.Life, Seq: r.Seq, IntervalMS: r.Interval.Milliseconds(),
		TTLMS: r.TTL.Milliseconds(), IP: r.IP, Metrics: []wireMetric{},
	}
	for _, m := range r.Metrics {
		w.Metrics = append(w.Metrics, wireMetric{m.Name, m.Value, m.Seq, m.Age.Milliseconds(), m.TTL.Milliseconds(), m.Valid, m.Why})
	}
	return json.Marshal(w)
}

// DecodeReport reads the document that stands in the place of a peer.
func DecodeReport(peer string, b []byte) (Report, error) {
	var w wireReport
	if err := json.Unmarshal(b, &w); err != nil {
		return Report{}, fmt.Errorf("cannot read the report of %s: %w", peer, err)
	}
	switch {
	case w.Version != reportVersion:
		return Report{}, fmt.Errorf("cannot read the report of %s: it is of version %d, known is %d", peer, w.Version, reportVersion)
	case w.Peer != peer:
		return Report{}, fmt.Errorf("cannot read the report of %s: it is of %q", peer, w.Peer)
	case w.IntervalMS <= 0 || w.TTLMS <= 0:
		return Report{}, fmt.Errorf("cannot read the report of %s: it has no interval or no time to live", peer)
	}
	r := Report{Peer: w.Peer, Life: w.Life, Seq: w.Seq, Interval: ms(w.IntervalMS), TTL: ms(w.TTLMS), IP: w.IP}
	for _, m := range w.Metrics {
		r.Metrics = append(r.Metrics, Metric{m.Name, m.Value, m.Seq, ms(m.AgeMS), ms(m.TTLMS), m.Valid, m.Why})
	}
	return r, nil
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
