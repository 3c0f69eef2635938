package services_test

import (
	"context"
	"net"
	"testing"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/services"
)

// side is how many connects run at once for each processor.
const side = 64

// BenchmarkConnect is the floor of BenchmarkProbeTCP: what the connects alone cost.
func BenchmarkConnect(b *testing.B) {
	addr := peer(b, func(net.Conn) {})
	dial := direct().Dial
	alongside(b, func(ctx context.Context) {
		conn, err := dial(ctx, "tcp", addr)
		if err != nil {
			b.Error(err)
			return
		}
		conn.Close()
	})
}

// BenchmarkProbeTCP is a described mode of which a connection is enough.
func BenchmarkProbeTCP(b *testing.B) {
	benchmarkTCP(b, services.TCPCheck{}, func(net.Conn) {})
}

// BenchmarkProbeTCPExpect waits for a banner as well.
func BenchmarkProbeTCPExpect(b *testing.B) {
	benchmarkTCP(b, services.TCPCheck{Expect: "^220 "}, func(conn net.Conn) { conn.Write([]byte("220 ready\r\n")) })
}

func benchmarkTCP(b *testing.B, c services.TCPCheck, serve func(net.Conn)) {
	target := services.Target{Name: "s", Mode: "m", Addr: peer(b, serve), Check: &services.Check{TCP: &c}}
	if err := target.Check.Compile(); err != nil {
		b.Fatal(err)
	}
	reach := direct()
	alongside(b, func(ctx context.Context) {
		if seen := services.Probe(ctx, target, reach); seen.Code != command.OK {
			b.Error(seen)
		}
	})
}

// alongside runs f many times at once, each with a time limit of its own.
func alongside(b *testing.B, f func(context.Context)) {
	b.ReportAllocs()
	b.SetParallelism(side)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			ctx, cancel := context.WithTimeout(context.Background(), services.DefaultTimeout)
			f(ctx)
			cancel()
		}
	})
}
