package remote_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/remotetest"
)

const (
	benchHosts = 200
	benchWidth = 64
)

// BenchmarkCheck200 measures a look at 200 machines, each with an sshd and a host
// key of its own, 64 logins wide, against the floor in the same run: bare
// handshakes of x/crypto/ssh at the same width, and, since Check also opens a
// session, the same with one. cold/floor is what the pool, host keys and
// classification cost; warm is a look over connections that are open.
func BenchmarkCheck200(b *testing.B) {
	site := remotetest.New(b)
	var servers []*remotetest.Server
	for i := range benchHosts {
		servers = append(servers, site.Launch(b, fmt.Sprintf("127.0.1.%d", i+1)))
	}
	for _, s := range servers {
		s.Await(b)
	}
	settings := settingsOf(site)
	var floor, withSession, cold, warm time.Duration
	checkAll := func(p *remote.Pool) {
		wide(b, benchHosts, servers, func(s *remotetest.Server) error {
			return p.Host(settings, machineOf(s)).Check(context.Background())
		})
	}
	for b.Loop() {
		floor += timed(func() { bare(b, site, servers, false) })
		withSession += timed(func() { bare(b, site, servers, true) })
		p := remote.NewPool(remote.Options{Width: benchWidth})
		cold += timed(func() { checkAll(p) })
		warm += timed(func() { checkAll(p) })
		_ = p.Close()
	}
	n := time.Duration(b.N)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64((floor / n).Milliseconds()), "floor-ms")
	b.ReportMetric(float64((withSession / n).Milliseconds()), "floor+session-ms")
	b.ReportMetric(float64((cold / n).Milliseconds()), "cold-ms")
	b.ReportMetric(float64((warm / n).Milliseconds()), "warm-ms")
	b.ReportMetric(float64(cold)/float64(floor), "cold/floor")
}

// BenchmarkCheckOne is one login and session at a time: what a single machine
// takes, against the floor.
func BenchmarkCheckOne(b *testing.B) {
	site := remotetest.New(b)
	srv := site.Start(b, "127.0.1.1")
	one := []*remotetest.Server{srv}
	var floor, cold, warm time.Duration
	for b.Loop() {
		floor += timed(func() { bare(b, site, one, true) })
		p := remote.NewPool(remote.Options{})
		h := p.Host(settingsOf(site), machineOf(srv))
		cold += timed(func() { mustCheck(b, h) })
		warm += timed(func() { mustCheck(b, h) })
		_ = p.Close()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(floor.Seconds()*1e3/float64(b.N), "floor+session-ms")
	b.ReportMetric(cold.Seconds()*1e3/float64(b.N), "cold-ms")
	b.ReportMetric(warm.Seconds()*1e3/float64(b.N), "warm-ms")
	b.ReportMetric(float64(cold)/float64(floor), "cold/floor+session")
}

func timed(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

// wide runs f for each server, width at a time.
func wide(b *testing.B, width int, servers []*remotetest.Server, f func(*remotetest.Server) error) {
	b.Helper()
	var all sync.WaitGroup
	slots := make(chan struct{}, width)
	for _, s := range servers {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if err := f(s); err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
}

// bare logs in with the library alone. Connections stay open until all have been
// made, as a pool's do.
func bare(b *testing.B, site *remotetest.Site, servers []*remotetest.Server, session bool) {
	b.Helper()
	var mu sync.Mutex
	var open []*ssh.Client
	wide(b, benchWidth, servers, func(s *remotetest.Server) error {
		c, err := ssh.Dial("tcp", s.Addr.String(), &ssh.ClientConfig{
			User: site.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(site.Signer)},
			HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
			HostKeyCallback:   func(string, net.Addr, ssh.PublicKey) error { return nil },
			Timeout:           patience,
		})
		if err != nil {
			return err
		}
		mu.Lock()
		open = append(open, c)
		mu.Unlock()
		if !session {
			return nil
		}
		sess, err := c.NewSession()
		if err != nil {
			return err
		}
		return sess.Close()
	})
	for _, c := range open {
		c.Close()
	}
}
