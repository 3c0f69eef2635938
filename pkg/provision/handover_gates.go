package provision

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The gates that refuse a handover, or the restart of a replica.
const (
	GateReachable  = "all-reachable"       // every member answers
	GateOnePrimary = "one-primary"         // exactly one takes writes
	GateReplicas   = "a-replica"           // there is one that could take over
	GateFollows    = "follows-primary"     // every replica follows it, both threads running
	GateLag        = "lag"                 // the new one is not far behind
	GateErrant     = "errant-transactions" // it has nothing that the primary has not
	GateVersions   = "versions"            // the others can follow it
	GateBound      = "bound-by-read-only"  // read_only stops who is connected
	GateIsReplica  = "restarts-no-primary" // what is restarted takes no writes
	GateManaged    = "all-managed"         // clmgr may have every member follow another one
	GateHealth     = "knows-balancers"     // what answers balancers can tell who was told
	maxHandoverLag = 10                    // in seconds
)

// standing is how a handover stands: who gives the role and who gets it. Where that takes
// writes already there is no old one.
type standing struct{ old, to *memberSeen }

// lost are the members that could not be asked.
func lost(seen []memberSeen) []error {
	var out []error
	for _, m := range seen {
		switch {
		case m.err != nil:
			out = append(out, &Refused{GateReachable, fmt.Sprintf("%s cannot be asked: %v", m.Name, m.err), m.err})
		case !m.running:
			out = append(out, &Refused{Gate: GateReachable, Reason: m.Name + " does not run"})
		}
	}
	return out
}

func find(seen []memberSeen, name string) *memberSeen {
	for n := range seen {
		if seen[n].Name == name {
			return &seen[n]
		}
	}
	return nil
}

// knowsBalancers refuses a member whose Health is that of another clmgr: whether balancers
// have left it, and come back, could not be seen.
func (s *memberSeen) knowsBalancers() error {
	if s.Health == nil || s.health == sum(healthText) {
		return nil
	}
	return &Refused{
		Gate: GateHealth, Reason: fmt.Sprintf("what answers balancers beside %s is not this clmgr's: clmgr services install %[1]s brings it", s.Name),
	}
}

// source is the member that it follows, nil for none of them.
func (s memberSeen) source(seen []memberSeen) *memberSeen {
	for n := range seen {
		if a := seen[n].Addr; s.host == a.Addr().String() && s.port == fmt.Sprint(a.Port()) {
			return &seen[n]
		}
	}
	return nil
}

// stand finds who gives the role to whom, and asks the gates. What it tells with an error
// is as far as it came.
func stand(seen []memberSeen, to string) (standing, error) {
	s := standing{to: find(seen, to)}
	if s.to == nil {
		return s, fmt.Errorf("there is no database %s", to)
	}
	writable := writers(seen)
	if len(writable) == 1 && writable[0] != s.to {
		s.old = writable[0]
	}
	if len(writable) == 0 {
		s.old = begun(seen, s.to)
	}
	if all := lost(seen); len(all) > 0 {
		return s, all[0]
	}
	switch {
	case len(writable) > 1:
		return s, &Refused{Gate: GateOnePrimary, Reason: names(writable) + " take writes"}
	case s.to.writable:
		return s, nil
	case s.old == nil:
		return s, &Refused{Gate: GateOnePrimary, Reason: "none takes writes"}
	case len(writable) == 0:
		return s, nil // it was begun: the gates were passed
	}
	if err := s.candidate(); err != nil {
		return s, err
	}
	for n := range seen {
		if m := &seen[n]; m != s.old && m != s.to {
			if err := m.follower(s.old); err != nil {
				return s, err
			}
			if newer(s.to.version, m.version) {
				return s, tooNew(s.to, m)
			}
		}
	}
	return s, nil
}

// writers are those who take writes.
func writers(seen []memberSeen) []*memberSeen {
	var out []*memberSeen
	for n := range seen {
		if seen[n].writable {
			out = append(out, &seen[n])
		}
	}
	return out
}

func names(list []*memberSeen) string {
	var out []string
	for _, m := range list {
		out = append(out, m.Name)
	}
	return strings.Join(out, " and ")
}

// begun finds the old primary where none takes writes: a handover was cut short, or the one
// that took them for a while has restarted. A fence tells that it was no operator.
func begun(seen []memberSeen, to *memberSeen) *memberSeen {
	var out []*memberSeen
	for n := range seen {
		m := &seen[n]
		if m == to || m.host != "" {
			continue
		}
		if of := to.source(seen); to.host == "" && !m.fenced || to.host != "" && (of != m || !m.fenced && !to.fenced) {
			continue
		}
		out = append(out, m)
	}
	if len(out) != 1 {
		return nil
	}
	return out[0]
}

// candidate asks the gates about the one that is to get the role.
func (s standing) candidate() error {
	if err := s.to.follower(s.old); err != nil {
		return err
	}
	if behind, err := strconv.Atoi(s.to.behind); err != nil || behind > maxHandoverLag {
		return &Refused{Gate: GateLag, Reason: fmt.Sprintf("%s is %s s behind, %d are allowed", s.to.Name, s.to.behind, maxHandoverLag)}
	}
	if errant := errant(s.to.state, s.old.state+","+s.to.base); errant != "" {
		return &Refused{Gate: GateErrant, Reason: fmt.Sprintf("%s has %s, which %s has not", s.to.Name, errant, s.old.Name)}
	}
	if len(s.old.unbound) > 0 {
		return &Refused{Gate: GateBound, Reason: fmt.Sprintf("%s has READ_ONLY ADMIN and is connected to %s", strings.Join(s.old.unbound, " and "), s.old.Name)}
	}
	if newer(s.to.version, s.old.version) {
		return tooNew(s.to, s.old)
	}
	return nil
}

func tooNew(to, other *memberSeen) error {
	return &Refused{Gate: GateVersions, Reason: fmt.Sprintf("%s is %s and cannot follow %s, which is %s", other.Name, other.version, to.Name, to.version)}
}

// follower says why it does not follow another one as it should.
func (s *memberSeen) follower(of *memberSeen) error {
	if missing := s.lacks(Replica{SourceAddr: of.Addr}); missing != "" {
		return &Refused{Gate: GateFollows, Reason: s.Name + ": " + missing}
	}
	return nil
}

// choose is the replica that fits best, and where none does why not.
func choose(seen []memberSeen) (string, error) {
	writable := writers(seen)
	if all := lost(seen); len(all) > 0 {
		return "", all[0]
	}
	if len(writable) != 1 {
		return "", &Refused{Gate: GateOnePrimary, Reason: fmt.Sprintf("%d take writes", len(writable))}
	}
	for n := range seen {
		if err := seen[n].knowsBalancers(); err != nil {
			return "", err
		}
	}
	best, least := "", 0
	var why error
	for n := range seen {
		m := &seen[n]
		if m == writable[0] {
			continue
		}
		if _, err := stand(seen, m.Name); err != nil {
			if why == nil {
				why = err
			}
			continue
		}
		if behind, _ := strconv.Atoi(m.behind); best == "" || behind < least {
			best, least = m.Name, behind
		}
	}
	switch {
	case best != "":
		return best, nil
	case why != nil:
		return "", why
	}
	return "", &Refused{Gate: GateReplicas, Reason: writable[0].Name + " has none that could take over"}
}

// mayRestart says why a member must not be restarted as a replica: it is none, or others
// are away already.
func mayRestart(seen []memberSeen, name string) error {
	for n := range seen {
		m := &seen[n]
		switch {
		case m.err != nil:
			return lost(seen[n : n+1])[0]
		case m.Name == name && (m.writable || m.Master && !m.fenced): // while it is down, it would come up so
			return &Refused{Gate: GateIsReplica, Reason: name + " is the primary"}
		case m.Name == name:
			if err := m.knowsBalancers(); err != nil {
				return err
			}
		case !m.running:
			return lost(seen[n : n+1])[0]
		case !m.writable && (m.io != "Yes" || m.sql != "Yes"):
			return &Refused{Gate: GateFollows, Reason: fmt.Sprintf("%s: replication does not run (IO %s, SQL %s)", m.Name, m.io, m.sql)}
		}
	}
	return nil
}

// gtid is one transaction of a history.
type gtid struct{ domain, server, seq uint64 }

func gtids(list string) []gtid {
	var out []gtid
	for word := range strings.SplitSeq(list, ",") {
		var g gtid
		if n, _ := fmt.Sscanf(strings.TrimSpace(word), "%d-%d-%d", &g.domain, &g.server, &g.seq); n == 3 {
			out = append(out, g)
		}
	}
	return out
}

// errant is what a history has of a server that another one has not, "" for nothing. Of
// every server a history tells the last transaction.
func errant(history, of string) string {
	known := gtids(of)
	for _, g := range gtids(history) {
		if !slices.ContainsFunc(known, func(k gtid) bool { return k.domain == g.domain && k.server == g.server && k.seq >= g.seq }) {
			return fmt.Sprintf("%d-%d-%d", g.domain, g.server, g.seq)
		}
	}
	return ""
}

// ahead is where a position lies beyond another one, "" for nowhere.
func ahead(position, of string) string {
	known := gtids(of)
	for _, g := range gtids(position) {
		if !slices.ContainsFunc(known, func(k gtid) bool { return k.domain == g.domain && k.seq >= g.seq }) {
			return fmt.Sprintf("%d-%d-%d", g.domain, g.server, g.seq)
		}
	}
	return ""
}
