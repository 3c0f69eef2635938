package bench

import (
	"sort"
	"testing"
	"time"
)

// duel runs the product and its floor in turn, so that a machine that slows
// down slows both, and reports the medians and the median of the ratios.
func duel(b *testing.B, product, floor func()) {
	b.Helper()
	const least = 5
	var ours, theirs, ratios []float64
	for n := 0; n < least || b.Loop(); n++ {
		f, p := clock(floor), clock(product)
		ours, theirs, ratios = append(ours, p), append(theirs, f), append(ratios, p/f)
	}
	b.ReportMetric(0, "ns/op") // the sum of both says nothing
	b.ReportMetric(median(ours), "ms/heartbeat")
	b.ReportMetric(median(theirs), "ms/floor")
	b.ReportMetric(median(ratios), "ratio")
}

func clock(f func()) float64 {
	began := time.Now()
	f()
	return float64(time.Since(began).Microseconds()) / 1000
}

func median(list []float64) float64 {
	list = append([]float64(nil), list...)
	sort.Float64s(list)
	return list[len(list)/2]
}
