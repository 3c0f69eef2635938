package heartbeat

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/clmgr/clmgr/pkg/command"
)

// judgeIsolation tells a manager that has gone blind from machines that have
// died. Of the hosts that answered before or answer now, more than half silent
// at once is isolation; so is every host silent when none answered before. Hosts
// are counted, not probes: one machine with twenty services is one host. Where
// fewer than two were tried there is nothing to compare, and the last word
// stands. Only silence counts: a refusal is an answer.
func judgeIsolation(before Status, look Look) Condition {
	verdict := Condition{Cluster: look.Cluster, Kind: Managers, Name: look.Manager, State: Seeing}
	silent := map[netip.Addr]bool{} // of the hosts tried, whether nothing on it answered
	note := func(ip netip.Addr, s Sight) {
		if !ip.IsValid() || s == Blind || s == Told {
			return
		}
		if was, ok := silent[ip]; !ok || was {
			silent[ip] = s == Silent
		}
	}
	for _, i := range look.Instances {
		note(i.IP, i.Sight)
	}
	for _, v := range look.Services {
		note(v.IP, v.Sight)
	}
	for _, v := range look.Vantage {
		note(v.IP, v.Sight)
	}
	answered := Answered(before)
	var dead, lost, baseline int
	for ip, is := range silent {
		if is {
			dead++
		}
		if answered[ip] || !is {
			baseline++
		}
		if answered[ip] && is {
			lost++
		}
	}
	if len(silent) < 2 && dead == len(silent) {
		return lastWord(before, verdict)
	}
	if len(silent) >= 2 && (dead == len(silent) || baseline >= 2 && lost*2 > baseline) {
		verdict.State = Isolated
		verdict.Reason = fmt.Sprintf("%d of %d hosts went silent at once", dead, len(silent))
	}
	return verdict
}

// lastWord returns what was said before of the same thing, else verdict.
func lastWord(before Status, verdict Condition) Condition {
	for _, c := range before.Conditions {
		if c.Key() == verdict.Key() {
			return c
		}
	}
	return verdict
}

// silent tells whether nothing answered: a provider may say pending all the same.
func (i *Instance) silent() bool { return i.SSH == "silent" || i.SSH == "no-route" }

// Answered returns the hosts on which something answered, as far as s knows.
func Answered(s Status) map[netip.Addr]bool {
	out := map[netip.Addr]bool{}
	for _, i := range s.Instances {
		if i.IP.IsValid() && (i.State == Running || i.State == Pending && !i.silent()) {
			out[i.IP] = true
		}
	}
	for _, v := range s.Services {
		if v.IP.IsValid() && v.Code == command.OK {
			out[v.IP] = true
		}
	}
	return out
}

// conditions returns the judgements of the merged status. A look through a
// filter says nothing about the cluster as a whole, and an isolated manager
// cannot judge it: both keep the old word.
func conditions(before Status, look Look, merged Status, isolation Condition) []Condition {
	verdict := judgePrimaries(look, merged)
	if !look.Whole || isolation.State == Isolated {
		verdict = lastWord(before, Condition{Cluster: look.Cluster, Kind: Clusters, Name: look.Cluster, State: Consistent})
	}
	return append([]Condition{isolation, verdict}, judgeVIPs(before, look, merged, isolation.State == Isolated)...)
}

// judgePrimaries counts the databases seen to take writes and to replicate from
// nobody, against the number of masters the configuration names (at least one).
func judgePrimaries(look Look, s Status) Condition {
	verdict := Condition{Cluster: look.Cluster, Kind: Clusters, Name: look.Cluster, State: Consistent}
	var writable []string
	for _, v := range s.Services {
		if v.Writable && !v.Stale && v.Code == command.OK {
			writable = append(writable, v.Name)
		}
	}
	if len(writable) > max(look.Primaries, 1) {
		verdict.State = TwoPrimaries
		verdict.Reason = "writable primaries: " + strings.Join(writable, ", ")
	}
	return verdict
}
