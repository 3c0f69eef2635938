package store_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/clmgr/clmgr/internal/children"
)

const benchWriters = 8

// queued returns a line like an action of the queue.
func queued(n int) []byte {
	return fmt.Appendf(nil, `{"do_level":"services","do_action":"start","do_group":"node%d","event_ip":"10.0.%d.%d","event_state":"running",`+
		`"event_type":"instances","cluster":"prod","plan":"p%d","asked_by":{"command":"clmgr services start node%d","where":"db-mgr1","who":"root"},`+
		`"created":"2026-11-25T22:%02d:%02d.%06dZ","expires":"2026-11-26T22:%02d:%02dZ","id":{"writer":"%016x","seq":%d},"progress":{"epoch":0}}`+"\n",
		n%300, n/250%250, n%250, n/8, n%300, n/60%60, n%60, rand.IntN(1e6), n/60%60, n%60, rand.Uint64()>>(n%2*60), n)
}

// replaceOne puts another line in the place of one, so that the size stays.
func replaceOne(old []byte) ([]byte, error) {
	_, rest, _ := bytes.Cut(old, []byte("\n"))
	return append(rest, queued(rand.IntN(10_000))...), nil
}

// jobReplace makes args[1] updates of document n of the Store at args[0], once
// its input has ended.
func jobReplace(args []string) error {
	s, times, err := openJob(args)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	for range times {
		if err := s.Update(context.Background(), "n", "replace", replaceOne); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkMemcachedWriters shows how many updates a second eight processes make
// together on one document, and how many one process makes alone.
func BenchmarkMemcachedWriters(b *testing.B) {
	for _, entries := range []int{100, 1_000, 10_000} {
		for _, writers := range []int{1, benchWriters} {
			b.Run(fmt.Sprintf("%d entries/%d", entries, writers), func(b *testing.B) {
				m := startMemcached(b)
				var doc []byte
				for i := range entries {
					doc = append(doc, queued(i)...)
				}
				if err := m.open().Update(b.Context(), "n", "fill", func([]byte) ([]byte, error) { return doc, nil }); err != nil {
					b.Fatal(err)
				}
				runReplacers(b, m, writers)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
				b.ReportMetric(float64(len(doc)), "B/document")
			})
		}
	}
}

// runReplacers lets the writers make b.N updates, not counting their start.
func runReplacers(b *testing.B, m *memcachedServer, writers int) {
	var start []io.Closer
	var out []*bufio.Scanner
	for i := range writers {
		cmd := children.Command(b, "replace", "memcached://"+m.Address, strconv.Itoa((b.N+i)/writers))
		in, err := cmd.StdinPipe()
		if err != nil {
			b.Fatal(err)
		}
		lines := children.Start(b, cmd)
		if !lines.Scan() || lines.Text() != "ready" {
			b.Fatalf("a child says %q", lines.Text())
		}
		start, out = append(start, in), append(out, lines)
	}
	b.ResetTimer()
	for _, in := range start {
		in.Close()
	}
	for _, lines := range out {
		if lines.Scan() {
			b.Fatal(lines.Text())
		}
	}
	b.StopTimer()
}
