package actions

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// crowd returns n waiting actions, three to a plan, and n entries: a third of
// them machines with two services each. Every tenth machine is stopped.
func crowd(n int) (*Queue, Input) {
	q, s := &Queue{}, heartbeat.Status{At: t0}
	for m := range n / 3 {
		ip := netip.AddrFrom4([4]byte{10, byte(m >> 16), byte(m >> 8), byte(m)})
		state := heartbeat.Running
		if m%10 == 0 {
			state = heartbeat.Stopped
		}
		s.Instances = append(s.Instances, heartbeat.Instance{Cluster: "prod", ID: fmt.Sprintf("i-%d", m), Name: fmt.Sprintf("m%d", m), IP: ip, State: state, At: t0})
		for v := range 2 {
			s.Services = append(s.Services, heartbeat.Service{Cluster: "prod", Name: fmt.Sprintf("node%d-%d", m, v), IP: ip, Code: command.OK, State: "running", At: t0})
		}
	}
	for k := range n {
		m := k / 3
		a := Action{
			ID: q.next("w"), Cluster: "prod", Plan: fmt.Sprintf("p%d", m), Instance: fmt.Sprintf("i-%d", m), Created: t0.Add(-time.Minute),
			Expires: t0.Add(24 * time.Hour), When: Trigger{IP: netip.AddrFrom4([4]byte{10, byte(m >> 16), byte(m >> 8), byte(m)}), Kind: heartbeat.Instances, State: heartbeat.Running},
			Do: command.Command{Level: "services", Action: "start", Group: fmt.Sprintf("node%d-%d", m, k%2)},
		}
		q.put(a)
	}
	return q, Input{Status: s, Now: t0, Leases: Leases{Passed: true}, Limits: Usual(), Words: UsualWords()}
}

// sizes show that the cost is linear: the time for one action stays.
var sizes = []int{1_000, 10_000, 100_000}

func perAction(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/action")
}

func BenchmarkDue(b *testing.B) {
	for _, n := range sizes {
		q, in := crowd(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if r := q.Due(in); len(r.Due) < n/4 || len(r.Verdicts) != n {
					b.Fatal(len(r.Due), len(r.Verdicts))
				}
			}
			perAction(b, n)
		})
	}
}

// BenchmarkMerge merges two copies that moved apart: a tenth moved on in each,
// a tenth is pruned in one, a tenth is new in the other.
func BenchmarkMerge(b *testing.B) {
	for _, n := range sizes {
		x, _ := crowd(n)
		y, _ := crowd(n) // of its own, as if it had been read
		for k := range uint64(n / 10) {
			move := func(q *Queue, seq uint64) {
				_ = q.Change(ID{"w", seq}, func(a Action) (Progress, error) { return a.Progress.Take("x", lease, t0) })
			}
			move(x, 10*k+1)
			move(y, 10*k+2)
			delete(x.actions, ID{"w", 10*k + 3})
			a, _ := y.Get(ID{"w", 10*k + 4})
			a.ID = y.next("v")
			y.put(a)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if got := Merge(x, y).Len(); got != n {
					b.Fatal(got)
				}
			}
			perAction(b, n)
		})
	}
}

// BenchmarkCodec writes and reads a stored queue.
func BenchmarkCodec(b *testing.B) {
	for _, n := range sizes[:2] {
		q, _ := crowd(n)
		text, err := q.Encode()
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("write%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := q.Encode(); err != nil {
					b.Fatal(err)
				}
			}
			perAction(b, n)
			b.ReportMetric(float64(len(text))/float64(n), "bytes/action")
		})
		b.Run(fmt.Sprintf("read%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := Decode(text); err != nil {
					b.Fatal(err)
				}
			}
			perAction(b, n)
		})
	}
}

// BenchmarkOthers are the other ways over a whole queue.
func BenchmarkOthers(b *testing.B) {
	const n = 10_000
	q, in := crowd(n)
	for name, f := range map[string]func(){
		"clone":   func() { q.Clone() },
		"all":     func() { q.All() },
		"prune":   func() { q.Prune(t0, time.Hour) },
		"observe": func() { Leases{}.Observe("d", q, Instant{"b", 0}, lease) },
		"cancel":  func() { _, _ = q.Clone().Cancel(ID{"w", 1}, t0) },
		"add": func() {
			_, bad := q.Clone().Add(Request{Writer: "v", Drafts: q.All()[:100], Now: t0, Limits: in.Limits, Words: in.Words})
			if len(bad) != 100 { // plans of another writer
				b.Fatal(len(bad))
			}
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			perAction(b, n)
		})
	}
}
