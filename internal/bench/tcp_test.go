package bench

import (
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/clmgr/clmgr/pkg/command"
)

// BenchmarkTCP10000 is a heartbeat of 10,000 TCP services on 100 hosts, against
// bare connects to the same at the same width.
func BenchmarkTCP10000(b *testing.B) {
	const services, hosts, width = 10_000, 100, 512
	ip := func(i int) string { return fmt.Sprintf("127.0.2.%d", i%hosts+1) }
	port := farSide(b, hosts, ip)

	product := heartbeat(b, fmt.Sprintf(`
state_dir: %s
heartbeat: {deadline: 60s}
modes: {door: {tcp: {}, port: %d}}
clusters:
  c:
    services:
%s`, b.TempDir(), port, list(services, func(i int) string {
		return fmt.Sprintf("{name: s%d, mode: door, ip: %s}", i, ip(i))
	})), command.OK)

	floor := func() {
		slots := make(chan struct{}, width)
		var wg sync.WaitGroup
		for i := range services {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				c, err := net.Dial("tcp", net.JoinHostPort(ip(i), fmt.Sprint(port)))
				if err != nil {
					b.Error(err)
					return
				}
				c.Close()
			})
		}
		wg.Wait()
	}
	duel(b, product, floor)
}

// farSide accepts connections on one port of every host. Each host has a listener of
// its own, as machines have: one for all would be what is measured, since a look
// connects faster than one loop accepts, and what no longer fits into the backlog is
// tried again only after a second.
func farSide(b *testing.B, hosts int, ip func(int) string) (port int) {
	b.Helper()
	for i := range hosts {
		l, err := net.Listen("tcp", net.JoinHostPort(ip(i), fmt.Sprint(port)))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { l.Close() })
		port = l.Addr().(*net.TCPAddr).Port
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				c.Close()
			}
		}()
	}
	return port
}
