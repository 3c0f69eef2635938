package bench

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
)

// BenchmarkTCP10000 is a heartbeat of 10,000 TCP services on 100 hosts, against
// bare connects, bounded in time as any connect must be, to the same at the same
// width.
func BenchmarkTCP10000(b *testing.B) {
	const services, hosts, width = 10_000, 100, 512
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	port := l.Addr().(*net.TCPAddr).Port
	ip := func(i int) string { return fmt.Sprintf("127.0.2.%d", i%hosts+1) }

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
				c, err := net.DialTimeout("tcp", net.JoinHostPort(ip(i), fmt.Sprint(port)), 3*time.Second)
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
