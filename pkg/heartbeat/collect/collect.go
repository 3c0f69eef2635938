package collect

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/remote"
)

// Collector looks at clusters. One is made for one or many looks; looks may run
// side by side and share its bounds.
type Collector struct {
	manager string
	pool    *remote.Pool
	slots   chan struct{} // one a probe under way
}

// New returns a Collector that acts for the named manager, reaches machines
// through pool, and has at most width service probes under way at once.
func New(manager string, pool *remote.Pool, width int) *Collector {
	return &Collector{manager: manager, pool: pool, slots: make(chan struct{}, width)}
}

// Request is one look to take.
type Request struct {
	Cluster   Cluster
	Selection Selection
	Facts     bool      // also gather what moves by itself
	Progress  *Progress // counts what is done; nil for none
	// Before returns what was known; it is asked for only to choose vantage points.
	Before func() heartbeat.Status
}

// Look looks at what the request covers. It returns when everything has been
// seen or ctx is done; what was not seen by then is marked Blind.
func (c *Collector) Look(ctx context.Context, r Request) heartbeat.Look {
	look := heartbeat.Look{Cluster: r.Cluster.Name, Primaries: r.Cluster.primaries(), Whole: r.Selection.Whole}
	look.Manager = c.manager
	look.Clouds = []heartbeat.Cloud{{Cluster: r.Cluster.Name, Settings: r.Cluster.Cloud}}
	listing, err := listMachines(ctx, r.Cluster.Driver)
	look.Complete = listing.Complete && err == nil
	look.APIs = use(r.Cluster.Name, listing)
	machines := chosen(listing.Instances, r.Selection)
	list := chosenServices(r.Cluster, r.Selection)
	r.Progress.add(len(machines) + len(list))
	look.Instances = make([]heartbeat.Instance, len(machines))
	look.Services = make([]heartbeat.Service, len(list))
	off := poweredOff(listing)

	var wg sync.WaitGroup
	wg.Go(func() {
		c.each(inOrder(len(machines)), func(n int) {
			look.Instances[n] = c.lookAtMachine(ctx, r, machines[n])
			r.Progress.done()
		})
	})
	c.each(fairOrder(list), func(n int) {
		why := off[list[n].IP]
		switch {
		case why != "":
			look.Services[n] = stopped(r.Cluster.Name, list[n], why)
		case !c.enter(ctx):
			look.Services[n] = outOfTime(r.Cluster.Name, list[n])
			return
		default:
			look.Services[n] = c.lookAtService(ctx, r, list[n])
			c.leave()
		}
		r.Progress.done()
	})
	wg.Wait()
	c.confirmVIPs(ctx, r, list, look.Services)
	if !look.Whole {
		look.Vantage = c.vantage(ctx, r, look)
	}
	look.At = time.Now()
	return look
}

// each calls f with every index, as many at once as the Collector may have probes
// under way. A worker goes on with the next: a stack that one dial has grown serves
// the dials after it.
func (c *Collector) each(order []int, f func(n int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(len(order), cap(c.slots)) {
		wg.Go(func() {
			for n := range next {
				f(n)
			}
		})
	}
	for _, n := range order {
		next <- n
	}
	close(next)
	wg.Wait()
}

func (c *Collector) enter(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case c.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *Collector) leave() { <-c.slots }

// over tells whether the time of the whole look is up, or its caller gone. A dialer
// keeps the deadline by a timer of its own and may notice a moment before ctx does.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// chosen returns the instances the selection covers, in the listing's order.
func chosen(all []cloud.Instance, s Selection) []cloud.Instance {
	var out []cloud.Instance
	for _, i := range all {
		if s.Whole || s.Machines[i.Name] {
			out = append(out, i)
		}
	}
	return out
}

// chosenServices returns the services the selection covers; the cluster's own list,
// not to be written to, where that is all of them.
func chosenServices(c Cluster, s Selection) []Service {
	if s.Whole {
		return c.Services
	}
	var out []Service
	for _, v := range c.Services {
		if s.Services[v.Target.Name] {
			out = append(out, v)
		}
	}
	return out
}

// fairOrder returns indexes such that the first service of every machine comes
// before the second of any: a machine with hundreds of hung services then fills
// no more than its share of the slots before the others had their turn.
func fairOrder(list []Service) []int {
	turn := make([]int, len(list))
	count := map[netip.Addr]int{}
	order := inOrder(len(list))
	for n := range list {
		turn[n] = count[list[n].IP]
		count[list[n].IP]++
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(turn[a], turn[b]) })
	return order
}

// inOrder returns the indexes below n.
func inOrder(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

// vantagePoints is how many other machines are tried when a filtered look met
// silence: enough for a majority, few enough to cost nothing.
const vantagePoints = 7

// vantage tries machines that the look did not cover and that used to answer.
func (c *Collector) vantage(ctx context.Context, r Request, look heartbeat.Look) []heartbeat.Vantage {
	if !metSilence(look) {
		return nil
	}
	covered := map[netip.Addr]bool{}
	for _, i := range look.Instances {
		covered[i.IP] = true
	}
	answered := heartbeat.Answered(r.Before())
	var points []Machine
	for _, m := range r.Cluster.Machines {
		if !covered[m.SSH.IP] && answered[m.SSH.IP] && len(points) < vantagePoints {
			points = append(points, m)
		}
	}
	out := make([]heartbeat.Vantage, len(points))
	var wg sync.WaitGroup
	for n, m := range points {
		wg.Go(func() {
			_, sight, _ := reach(c.pool.Host(r.Cluster.SSH, m.SSH).Check(ctx))
			if over(ctx) {
				sight = heartbeat.Blind
			}
			out[n] = heartbeat.Vantage{IP: m.SSH.IP, Sight: sight}
		})
	}
	wg.Wait()
	return out
}

func metSilence(look heartbeat.Look) bool {
	for _, i := range look.Instances {
		if i.Sight == heartbeat.Silent {
			return true
		}
	}
	for _, v := range look.Services {
		if v.Sight == heartbeat.Silent {
			return true
		}
	}
	return false
}

// stopped is a service on a machine that is known to be off, and why.
func stopped(cluster string, s Service, why string) heartbeat.Service {
	v := blank(cluster, s)
	v.Code, v.State, v.Reason = command.Stopped, command.Stopped.Text(), why
	v.Sight, v.At = heartbeat.Told, time.Now()
	if v.VIP.IsValid() {
		v.HoldsVIP = new(bool) // what is off holds nothing
	}
	return v
}

func outOfTime(cluster string, s Service) heartbeat.Service {
	v := blank(cluster, s)
	v.Reason, v.Sight = lateReason, heartbeat.Blind
	return v
}

const lateReason = "not seen before the heartbeat's deadline"

func blank(cluster string, s Service) heartbeat.Service {
	return heartbeat.Service{
		Cluster: cluster, Name: s.Target.Name, IP: s.IP, Mode: s.Target.Mode, Configured: s.Configured, VIP: s.Target.VIP,
	}
}
