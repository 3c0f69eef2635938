package manager

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestNextBeat(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		took   time.Duration
		prompt bool
		want   time.Duration // after the last beat
		missed int
	}{
		{"in time", 3 * time.Second, false, 10 * time.Second, 0},
		{"slow", 14 * time.Second, false, 20 * time.Second, 1},
		{"very slow", 31 * time.Second, false, 40 * time.Second, 3},
		{"a reload in between", 11 * time.Second, true, 10 * time.Second, 0},
		{"a long one", 18 * time.Second, true, 20 * time.Second, 1},
	} {
		at, missed := nextBeat(noon, noon.Add(c.took), 10*time.Second, c.prompt)
		if at.Sub(noon) != c.want || missed != c.missed {
			t.Errorf("%s: after %v, %d missed", c.name, at.Sub(noon), missed)
		}
	}
	if at, missed := nextBeat(time.Time{}, noon, time.Second, false); !at.Equal(noon) || missed != 0 {
		t.Errorf("the first is at %v, %d missed", at, missed)
	}
}

// Whatever they take, beats are on the grid, none is counted twice and none is lost.
func TestBeatsKeepToTheirGrid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		interval := time.Duration(rapid.IntRange(1, 1000).Draw(t, "interval")) * time.Millisecond
		first := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
		last, made, missed := first, 1, 0
		for range rapid.IntRange(1, 30).Draw(t, "beats") {
			now := last.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "took")) * time.Millisecond)
			at, m := nextBeat(last, now, interval, rapid.Bool().Draw(t, "prompt"))
			if !at.After(last) {
				t.Fatalf("%v is not after %v", at, last)
			}
			last, made, missed = at, made+1, missed+m
		}
		if grid := int(last.Sub(first)/interval) + 1; last.Sub(first)%interval != 0 || made+missed != grid {
			t.Fatalf("%d beats and %d missed of %d", made, missed, grid)
		}
	})
}
