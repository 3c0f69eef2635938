package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// parseDuration reads a Go duration in which a leading number of days ("30d",
// "1d12h") may stand. It must be more than nothing.
func parseDuration(s string) (time.Duration, error) {
	days, rest, found := strings.Cut(s, "d")
	var total time.Duration
	if found {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n > uint64(math.MaxInt64/day) {
			return 0, fmt.Errorf("cannot read %s as a duration", quoted(s))
		}
		total = time.Duration(n) * day
	} else {
		rest = s
	}
	if rest != "" || !found {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 || total > math.MaxInt64-d {
			return 0, fmt.Errorf("cannot read %s as a duration", quoted(s))
		}
		total += d
	}
	if total <= 0 {
		return 0, fmt.Errorf("the duration %s is not more than nothing", quoted(s))
	}
	return total, nil
}

// formatDuration is the shortest form that parseDuration reads back: "30d",
// "1h30m", "3s".
func formatDuration(d time.Duration) string {
	if d > 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// unit is a suffix of a size and its bytes.
type unit struct {
	suffix string
	bytes  int64
}

// units returns the suffixes, the largest first.
func units() []unit {
	return []unit{
		{"TiB", 1 << 40},
		{"GiB", 1 << 30},
		{"MiB", 1 << 20},
		{"KiB", 1 << 10},
		{"TB", 1e12},
		{"GB", 1e9},
		{"MB", 1e6},
		{"kB", 1e3},
		{"KB", 1e3},
		{"B", 1},
	}
}

// parseSize reads a number of bytes such as "64MiB", "10MB" or "4096".
func parseSize(s string) (int64, error) {
	number, factor := s, int64(1)
	for _, u := range units() {
		if strings.HasSuffix(s, u.suffix) {
			number, factor = strings.TrimSpace(strings.TrimSuffix(s, u.suffix)), u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil || n == 0 || n > math.MaxInt64/uint64(factor) {
		return 0, fmt.Errorf("cannot read %s as a size", quoted(s))
	}
	return int64(n) * factor, nil
}

// formatSize is the shortest form with a binary unit that parseSize reads back.
func formatSize(n int64) string {
	for _, u := range units() {
		if strings.HasSuffix(u.suffix, "iB") && n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.suffix
		}
	}
	return strconv.FormatInt(n, 10)
}
