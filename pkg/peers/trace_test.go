package peers

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// trace reads arrivals that were recorded, of one manager after another: see
// TestRecordArrivals of package watch.
func trace(t *testing.T) [][]time.Duration {
	t.Helper()
	text, err := os.ReadFile("testdata/arrivals.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out [][]time.Duration
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch us, err := strconv.ParseInt(line, 10, 64); {
		case line == "# a manager starts":
			out = append(out, nil)
		case strings.HasPrefix(line, "#"):
		case err != nil:
			t.Fatal(err)
		default:
			out[len(out)-1] = append(out[len(out)-1], time.Duration(us)*time.Microsecond)
		}
	}
	return out
}

// In what was recorded of a loop on a machine that has more to do than it can, nobody is
// told to have failed; and who stops at its end is seen to have failed long before its
// time to live is over.
func TestRecordedArrivals(t *testing.T) {
	const interval, ttl = 500 * millisecond, 5 * second
	s := Settings{Interval: interval, TTL: ttl, Window: 100, Threshold: 8, MinSamples: 10, MinDeviation: 0.5}
	all := trace(t)
	arrivals := 0
	for _, recorded := range all {
		w := NewWatcher("me", s, State{Members: Members{"a": 1}})
		end := recorded[len(recorded)-1]
		arrivals += len(recorded)
		n, failedAt := 0, time.Duration(0)
		for at := recorded[0]; at < end+2*ttl; at += interval / 4 {
			for n < len(recorded) && recorded[n] <= at {
				n++
			}
			report := Report{Peer: "a", Life: "x", Seq: uint64(n), Interval: interval, TTL: ttl}
			for _, e := range w.Pass(Look{At: at, Wall: time.Unix(0, 0).Add(at), Reports: map[string]Seen{"a": {Report: report}}}) {
				if at <= end || e.Is.State != Failed {
					t.Errorf("after %s: %s", at, e)
				}
				failedAt = at
			}
		}
		if took := failedAt - end; took <= 0 || took > ttl*3/5 {
			t.Errorf("seen to have failed after %s; the time to live is %s", took, ttl)
		}
	}
	if len(all) < 3 || arrivals < 300 {
		t.Errorf("%d arrivals of %d managers: too few to say", arrivals, len(all))
	}
}

// The cost of a look at a hundred peers whose windows are full, each with five metrics
// that arrive.
func BenchmarkPass(b *testing.B) {
	w := NewWatcher("me", usual(), State{})
	look := Look{Members: Members{}, Reports: map[string]Seen{}, Wall: time.Unix(0, 0)}
	report := Report{Life: "x", Interval: second, TTL: 10 * second}
	for _, name := range []string{"heartbeat", "load", "memory", "disk", "lag"} {
		report.Metrics = append(report.Metrics, Metric{Name: name, Value: "1", TTL: 10 * second, Valid: true})
	}
	pass := func(seq int) {
		look.At += second
		for n := range 100 {
			r := report
			r.Peer, r.Seq, r.Metrics = "manager"+strconv.Itoa(n), uint64(seq), append([]Metric(nil), report.Metrics...)
			for i := range r.Metrics {
				r.Metrics[i].Seq = r.Seq
			}
			look.Members[r.Peer], look.Reports[r.Peer] = 1, Seen{Report: r}
		}
		if events := w.Pass(look); len(events) > 0 {
			b.Fatal(events)
		}
	}
	for seq := range 120 {
		pass(seq + 1)
	}
	b.ReportAllocs()
	seq := 120
	for b.Loop() {
		seq++
		pass(seq)
	}
}
