package collect

import (
	"context"
	"net"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/services"
)

// lookAtService probes one service, within its own timeout.
func (c *Collector) lookAtService(ctx context.Context, r Request, s Service) heartbeat.Service {
	host := c.pool.Host(r.Cluster.SSH, r.Cluster.machine(s.IP).SSH)
	to := services.Reach{Dial: new(net.Dialer).DialContext, Run: host.Run}
	if s.ViaSSH {
		to.Dial = host.Dial
	}
	own, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	seen := services.Probe(own, s.Target, to)
	v := blank(r.Cluster.Name, s)
	v.At = time.Now()
	if seen.Code != command.OK && ctx.Err() != nil {
		v.Sight, v.Reason = heartbeat.Blind, lateReason
		return v
	}
	v.Code, v.State, v.Reason = seen.Code, seen.Code.Text(), seen.Reason
	v.Role, v.Writable = string(seen.Role), seen.Writable
	if s.Type != services.TypeDB {
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
