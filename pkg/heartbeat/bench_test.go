package heartbeat

import (
	"fmt"
	"testing"

	"github.com/clmgr/clmgr/pkg/command"
)

func many(n int) Status {
	s := Status{Manager: "m", At: at(1)}
	for i := range n {
		s.Services = append(s.Services, Service{
			Cluster: "prod", Name: fmt.Sprintf("node%06d", i), Mode: "mariadb", Code: command.OK, State: "running", Role: Slave, At: at(1),
		})
	}
	return s
}

// BenchmarkDiff compares two statuses of which one entry in a hundred differs
// and the order is turned around, so that nothing matches by position.
func BenchmarkDiff(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		before, now := many(n), many(n)
		for i := range n / 2 {
			now.Services[i], now.Services[n-1-i] = now.Services[n-1-i], now.Services[i]
		}
		for i := 0; i < n; i += 100 {
			now.Services[i].Code = command.DatabaseCommFailure
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if got := len(Diff(before, now)); got != n/100 {
					b.Fatal(got)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/entry")
		})
	}
}

// BenchmarkRecord writes and reads the record of a cluster.
func BenchmarkRecord(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		rec := Record{Seq: 1, Status: many(n)}
		text, err := rec.Encode()
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("write%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := rec.Encode(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("read%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := DecodeRecord(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
