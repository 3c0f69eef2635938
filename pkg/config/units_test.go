package config

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"10s": 10 * time.Second, "2h": 2 * time.Hour, "30d": 30 * day, "1d12h": 36 * time.Hour, "500ms": 500 * time.Millisecond, "1.5h": 90 * time.Minute,
	} {
		if got, err := parseDuration(text); got != want || err != nil {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "10", "d", "-1d", "1d-2h", "1.5d", "0d", "0s", "-3s", "106752d", "106751d24h", "99999999999d", "1w", "1h1d", "+1d", "10 s"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{
		"64MiB": 64 << 20, "1 GiB": 1 << 30, "4096": 4096, "10MB": 10e6, "3kB": 3000, "3KiB": 3072, "7B": 7, "1TiB": 1 << 40, "8388607TiB": 8388607 << 40,
	} {
		if got, err := parseSize(text); got != want || err != nil {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "MiB", "-1", "1.5MiB", "1 M", "8388608TiB", "9223372036854775808", "1MiBMiB"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestUnitsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Min(1).Draw(t, "duration"))
		if got, err := parseDuration(formatDuration(d)); got != d || err != nil {
			t.Fatalf("%v as %s: %v, %v", d, formatDuration(d), got, err)
		}
		n := rapid.Int64Min(1).Draw(t, "size")
		if got, err := parseSize(formatSize(n)); got != n || err != nil {
			t.Fatalf("%d as %s: %v, %v", n, formatSize(n), got, err)
		}
	})
}

func TestNearest(t *testing.T) {
	names := []string{"instances", "services", "ssh", "width", "database"}
	for text, want := range map[string]string{
		"instanses": "instances", "Services": "services", "widht": "width", "shh": "ssh", "databases": "database", "zzz": "", "": "",
	} {
		if got := nearest(text, names); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
