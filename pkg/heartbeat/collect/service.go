package collect

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/services"
)

// lookAtService probes one service, within its own timeout.
func (c *Collector) lookAtService(ctx context.Context, r Request, s Service) heartbeat.Service {
	host := c.pool.Host(r.Cluster.SSH, r.Cluster.MachineAt(s.IP).SSH)
	own, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	seen := services.Probe(own, s.Target, s.Reach(host))
	v := blank(r.Cluster.Name, s)
	v.At = time.Now()
	if seen.Code != command.OK && over(ctx) {
		v.Sight, v.Reason = heartbeat.Blind, lateReason
		return v
	}
	v.Code, v.State, v.Reason = seen.Code, seen.Code.Text(), seen.Reason
	v.Role, v.Writable, v.HoldsVIP = string(seen.Role), seen.Writable, seen.HoldsVIP
	if s.Type != services.TypeDB && seen.Role == services.NA {
		v.Role = s.Configured
	}
	if seen.Silent {
		v.Sight = heartbeat.Silent
	}
	if r.Facts {
		v.Facts = seen.Facts
	}
	return v
}

// Reach is how a probe gets to the service, which is on host.
func (s *Service) Reach(host *remote.Host) services.Reach {
	// No probe lives long enough for keep-alives, which cost four system calls a connection.
	direct := net.Dialer{KeepAlive: -1}
	to := services.Reach{Dial: direct.DialContext, DialThere: host.Dial, Run: host.Run}
	if s.ViaSSH {
		to.Dial = dialOn(host)
	}
	return to
}

// dialOn connects from the machine itself. A service that listens on the loopback
// address alone refuses at the machine's own, and is meant all the same.
func dialOn(host *remote.Host) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := host.Dial(ctx, network, addr)
		_, port, malformed := net.SplitHostPort(addr)
		var unreached *remote.Error
		if !errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &unreached) || malformed != nil {
			return conn, err
		}
		return host.Dial(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}
}
