package collect

import (
	"context"
	"net/netip"
	"sync"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// confirmVIPs looks a second time at those who guard a virtual address that seems to
// be on several machines or on none. They are not all seen in the same instant: an
// address that moved in between looks like that too, and does not the second time.
func (c *Collector) confirmVIPs(ctx context.Context, r Request, list []Service, seen []heartbeat.Service) {
	var wg sync.WaitGroup
	doubted := doubtful(seen)
	for n := range seen {
		if !doubted[seen[n].VIP] || seen[n].HoldsVIP == nil || seen[n].Sight != heartbeat.Seen || !c.enter(ctx) {
			continue
		}
		wg.Go(func() {
			defer c.leave()
			if again := c.lookAtService(ctx, r, list[n]); again.Sight != heartbeat.Blind {
				seen[n] = again
			}
		})
	}
	wg.Wait()
}

// doubtful returns the virtual addresses that are not on exactly one machine.
func doubtful(seen []heartbeat.Service) map[netip.Addr]bool {
	holders := map[netip.Addr]map[netip.Addr]bool{}
	for _, v := range seen {
		if !v.VIP.IsValid() || v.HoldsVIP == nil {
			continue
		}
		if holders[v.VIP] == nil {
			holders[v.VIP] = map[netip.Addr]bool{}
		}
		if *v.HoldsVIP {
			holders[v.VIP][v.IP] = true
		}
	}
	out := map[netip.Addr]bool{}
	for vip, machines := range holders {
		if len(machines) != 1 {
			out[vip] = true
		}
	}
	return out
}
