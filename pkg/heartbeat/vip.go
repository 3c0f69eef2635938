package heartbeat

import (
	"net/netip"
	"sort"
	"strings"
)

// guards are those who guard one virtual address, by what is known of them.
type guards struct {
	vip        netip.Addr
	holders    []string            // names of the services on machines that have it
	machines   map[netip.Addr]bool // those machines
	free, dark []string            // on machines that do not; on machines not seen
}

// judgeVIPs judges each virtual address by the services that guard it. What this look
// did not see, or left out, may hold it or not: an address is unheld only where all of
// them were seen without it. Two machines that have it are a conflict whoever else was
// not seen; that only one has it ends a conflict only where nobody was unseen. An
// address that nobody guards any more is dropped after a whole and complete look.
func judgeVIPs(before Status, look Look, s Status, isolated bool) []Condition {
	var verdicts []Condition
	judged := make(map[Key]bool)
	for _, g := range guardsOf(look, s) {
		verdict := Condition{Cluster: look.Cluster, Kind: VIPs, Name: g.vip.String(), State: Unknown}
		last := lastWord(before, verdict)
		switch {
		case isolated:
			verdict = last
		case len(g.machines) > 1:
			verdict.State, verdict.Reason = VIPConflict, "held by "+strings.Join(g.holders, ", ")
		case len(g.machines) == 1 && (len(g.dark) == 0 || last.State != VIPConflict):
			verdict.State = Consistent
		case len(g.machines) == 0 && len(g.dark) == 0:
			verdict.State, verdict.Reason = VIPUnheld, "held by none of "+strings.Join(g.free, ", ")
		default:
			verdict = last
		}
		judged[verdict.Key()] = true
		verdicts = append(verdicts, verdict)
	}
	for _, c := range before.Conditions {
		if c.Kind == VIPs && !judged[c.Key()] && (!look.Whole || !look.Complete) {
			verdicts = append(verdicts, c)
		}
	}
	sort.Slice(verdicts, func(i, j int) bool { return verdicts[i].Name < verdicts[j].Name })
	return verdicts
}

// guardsOf groups the services by the address they guard.
func guardsOf(look Look, s Status) []*guards {
	covered := make(map[string]bool)
	for i := range look.Services {
		if v := &look.Services[i]; v.VIP.IsValid() {
			covered[v.Name] = true
		}
	}
	byVIP := make(map[netip.Addr]*guards)
	var all []*guards
	for i := range s.Services {
		v := &s.Services[i]
		if !v.VIP.IsValid() {
			continue
		}
		g := byVIP[v.VIP]
		if g == nil {
			g = &guards{vip: v.VIP, machines: make(map[netip.Addr]bool)}
			byVIP[v.VIP] = g
			all = append(all, g)
		}
		switch {
		case v.Stale || v.HoldsVIP == nil || !covered[v.Name]:
			g.dark = append(g.dark, v.Name)
		case *v.HoldsVIP:
			g.holders = append(g.holders, v.Name)
			g.machines[v.IP] = true
		default:
			g.free = append(g.free, v.Name)
		}
	}
	return all
}
