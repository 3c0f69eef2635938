package peers

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The wanted values are −log₁₀ Q(z) of the standard normal distribution, from tables of
// its quantiles: of 0.1, 0.01, 0.001 and 10⁻⁸ (phi 1, 2, 3 and 8, as in section 4.1 of
// the paper), and Q(40) = 10^−349.437… (DLMF 7.12.1), where floating point has no Q.
func TestPhi(t *testing.T) {
	const mean, deviation = 1000 * time.Millisecond, 100 * time.Millisecond
	at := func(z float64) time.Duration { return mean + time.Duration(z*float64(deviation)) }
	for _, c := range []struct {
		what                     string
		silence, mean, deviation time.Duration
		want                     float64
	}{
		{"at the mean", at(0), mean, deviation, math.Log10(2)},
		{"one in ten", at(1.2815515655446004), mean, deviation, 1},
		{"one in a hundred", at(2.3263478740408408), mean, deviation, 2},
		{"one in a thousand", at(3.090232306167813), mean, deviation, 3},
		{"the threshold", at(5.612001244174789), mean, deviation, 8},
		{"before the mean", at(-2.3263478740408408), mean, deviation, -math.Log10(0.99)},
		{"beyond floating point", at(40), mean, deviation, 349.4370},
		{"no deviation, early", mean - 1, mean, 0, 0},
		{"no deviation, at the mean", mean, mean, 0, math.Log10(2)},
		{"no deviation, late", mean + 1, mean, 0, math.Inf(1)},
	} {
		if got := Phi(c.silence, c.mean, c.deviation); got != c.want && math.Abs(got-c.want) > 1e-4 {
			t.Errorf("%s: phi %v, want %v", c.what, got, c.want)
		}
	}
}

// Phi grows with silence and never jumps, also where one way to compute it takes over
// from the other.
func TestPhiGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mean := time.Duration(rapid.Int64Range(1, int64(time.Minute)).Draw(t, "mean"))
		deviation := time.Duration(rapid.Int64Range(int64(time.Microsecond), int64(time.Minute)).Draw(t, "deviation"))
		z := rapid.Float64Range(-5, 100).Draw(t, "z")
		silence := mean + time.Duration(z*float64(deviation))
		before, after := Phi(silence, mean, deviation), Phi(silence+deviation/1000, mean, deviation)
		if math.IsInf(after, 0) || math.IsNaN(after) || after < before || after-before > 0.1 {
			t.Fatalf("phi goes from %v to %v", before, after)
		}
	})
}

func TestPhiTakesOver(t *testing.T) {
	const deviation = time.Second
	below, above := Phi(30*time.Second, 0, deviation), Phi(30*time.Second+time.Nanosecond, 0, deviation)
	if math.Abs(above-below) > 1e-5 {
		t.Errorf("%v and %v", below, above)
	}
}

// A window as regular as clockwork counts with the least deviation.
func TestLeastDeviation(t *testing.T) {
	w := NewWindow(20)
	s := Settings{MinSamples: 10, MinDeviation: 0.5}
	for n := range 11 {
		if _, judged := w.Phi(time.Second, 0, s); judged {
			t.Fatalf("judged after %d arrivals", n)
		}
		gap := time.Second
		if n == 0 {
			gap = 0
		}
		w.Add(Sample{Gap: gap})
	}
	if got, judged := w.Phi(2*time.Second, 0, s); !judged || math.Abs(got-1.6430) > 1e-3 { // Q(2)
		t.Errorf("phi %v, %v", got, judged)
	}
	if got, _ := w.Phi(4*time.Second, 2*time.Second, s); math.Abs(got-1.6430) > 1e-3 {
		t.Errorf("phi %v of one that promised no more", got)
	}
}

// A window holds the last arrivals, newest first, and the mean and deviation of their
// intervals, as a list that is measured anew would.
func TestWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 8).Draw(t, "most")
		gaps := rapid.SliceOfN(rapid.Int64Range(0, int64(time.Hour)), 0, 30).Draw(t, "gaps")
		w := NewWindow(most)
		for n, g := range gaps {
			w.Add(Sample{Arrived: time.Duration(n), Gap: time.Duration(g)})
		}
		kept := gaps[max(0, len(gaps)-most):]
		all := w.All()
		if len(all) != len(kept) {
			t.Fatalf("%d arrivals, want %d", len(all), len(kept))
		}
		var sum, count float64
		for n, s := range all {
			if s.Arrived != time.Duration(len(gaps)-1-n) {
				t.Fatalf("arrival %d is number %d", n, s.Arrived)
			}
			if s.Gap > 0 {
				sum, count = sum+float64(s.Gap), count+1
			}
		}
		if count == 0 {
			if w.mean != 0 || w.deviation != 0 {
				t.Fatalf("mean %s, deviation %s of nothing", w.mean, w.deviation)
			}
			return
		}
		mean, squares := sum/count, 0.0
		for _, s := range all {
			if s.Gap > 0 {
				squares += math.Pow(float64(s.Gap)-mean, 2)
			}
		}
		if math.Abs(float64(w.mean)-mean) > 1 || math.Abs(float64(w.deviation)-math.Sqrt(squares/count)) > 1 {
			t.Fatalf("mean %s, deviation %s of %v", w.mean, w.deviation, kept)
		}
	})
}
