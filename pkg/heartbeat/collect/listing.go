package collect

import (
	"context"
	"net/netip"
	"time"

	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// listMachines asks the provider for the machines. It has half of the time there is: a
// provider that does not answer must not keep the machines from being tried.
func listMachines(ctx context.Context, d cloud.Driver) (cloud.Listing, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
	}
	return d.Instances(ctx)
}

// use is what a listing cost.
func use(cluster string, l cloud.Listing) []heartbeat.API {
	if l.Use == nil {
		return nil
	}
	return []heartbeat.API{{Cluster: cluster, Calls: l.Use.Calls, LastHour: l.Use.LastHour, Listed: l.At}}
}

// poweredOff returns the addresses of machines that are known to be off, and why.
func poweredOff(l cloud.Listing) map[netip.Addr]string {
	out := map[netip.Addr]string{}
	for _, i := range l.Instances {
		switch {
		case !i.IP.IsValid() || i.Stale:
		case i.State == cloud.StateStopped:
			out[i.IP] = "its machine is stopped"
		case i.State == cloud.StateAbsent || i.State == cloud.StateTerminated:
			out[i.IP] = "its machine is not launched"
		}
	}
	return out
}

// stale is a machine that its provider did not tell of this time.
func stale(i heartbeat.Instance, m cloud.Instance) heartbeat.Instance {
	i.Sight, i.Provider, i.Reason = heartbeat.Blind, "", m.Reason
	if !m.Seen.IsZero() {
		i.Reason += "; last listed " + m.Seen.UTC().Format(time.RFC3339)
	}
	return i
}

// shortTry is how long SSH is tried on a machine that its provider says is off:
// an answer is worth a word, silence is not worth waiting for.
const shortTry = time.Second

// judge lays what SSH told over what the provider tells: running needs both.
func judge(m cloud.Instance, i heartbeat.Instance) heartbeat.Instance {
	provider, answers := m.State, i.State == heartbeat.Running
	switch {
	case provider == "", provider == cloud.StateRunning && answers:
	case provider == cloud.StateRunning:
		i.State, i.Reason = heartbeat.Pending, "the provider says running, but over SSH: "+i.Reason
	case answers && provider != cloud.StatePending:
		i.State, i.Reason = provider, "the provider says "+provider+", but SSH answers"
	case answers:
		i.State = provider
	default:
		i.State, i.Reason, i.Sight = provider, m.Reason, heartbeat.Told
	}
	return i
}
