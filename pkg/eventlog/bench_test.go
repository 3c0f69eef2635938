package eventlog_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/clmgr/clmgr/pkg/eventlog"
)

// BenchmarkAppend shows one event appended to a log that is longer than what is
// searched for repeats, beside the floor: the bare write and fsync.
func BenchmarkAppend(b *testing.B) {
	b.Run("log", func(b *testing.B) {
		log := open(b, b.TempDir(), eventlog.Options{})
		add(b, log, events("a", 0, 10_000))
		for n := 0; b.Loop(); n++ {
			add(b, log, events("b", n, n+1))
		}
	})
	b.Run("floor", func(b *testing.B) {
		file, err := os.Create(filepath.Join(b.TempDir(), "events"))
		if err != nil {
			b.Fatal(err)
		}
		defer file.Close()
		line := []byte(string(event("a", 0).Line) + "\n")
		for b.Loop() {
			if _, err := file.Write(line); err != nil {
				b.Fatal(err)
			}
			if err := file.Sync(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkList reads a log of 100,000 events.
func BenchmarkList(b *testing.B) {
	folder := b.TempDir()
	log := open(b, folder, eventlog.Options{})
	add(b, log, events("a", 0, 100_000))
	info, err := os.Stat(live(folder))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	for b.Loop() {
		if ids, _, err := list(b.Context(), log, eventlog.Filter{}); err != nil || len(ids) != 100_000 {
			b.Fatal(len(ids), err)
		}
	}
}
