package provision

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// three are a primary a with replicas b and c, all well; change makes them otherwise.
func three(change func(a, b, c *memberSeen)) []memberSeen {
	var out []memberSeen
	for n, name := range []string{"a", "b", "c"} {
		m := memberSeen{
			Member:      Member{Name: name, Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(n + 1)}), 3306), Master: n == 0},
			replicaSeen: replicaSeen{running: true}, version: "10.11.6", writable: n == 0, state: "0-1-7", logged: "0-1-7",
		}
		if n > 0 {
			m.replicaSeen = seenFollowing("10.0.0.1")
		}
		out = append(out, m)
	}
	change(&out[0], &out[1], &out[2])
	return out
}

func seenFollowing(host string) replicaSeen {
	return replicaSeen{running: true, host: host, port: "3306", gtid: "Slave_Pos", io: "Yes", sql: "Yes", behind: "0"}
}

// gateOf is the gate of an error, and "" where there is none.
func gateOf(t *testing.T, err error) string {
	t.Helper()
	var refused *Refused
	if err != nil && (!errors.As(err, &refused) || !strings.Contains(err.Error(), "refused by "+refused.Gate)) {
		t.Errorf("no gate: %v", err)
	}
	if refused == nil {
		return ""
	}
	return refused.Gate
}

func TestStand(t *testing.T) {
	detached := replicaSeen{running: true}
	for what, c := range map[string]struct {
		change     func(a, b, c *memberSeen)
		to         string
		gate, from string
	}{
		"all well":              {func(_, _, _ *memberSeen) {}, "b", "", "a"},
		"done":                  {func(_, _, _ *memberSeen) {}, "a", "", ""},
		"unseen":                {func(_, _, c *memberSeen) { c.err = errors.New("no route") }, "b", GateReachable, "a"},
		"down":                  {func(_, _, c *memberSeen) { c.running = false }, "b", GateReachable, "a"},
		"two":                   {func(_, _, c *memberSeen) { c.writable = true }, "b", GateOnePrimary, ""},
		"read_only by somebody": {func(a, _, _ *memberSeen) { a.writable = false }, "b", GateOnePrimary, ""},
		"begun":                 {func(a, _, _ *memberSeen) { a.writable, a.fenced = false, true }, "b", "", "a"},
		"begun, detached":       {func(a, b, _ *memberSeen) { a.writable, a.fenced, b.replicaSeen = false, true, detached }, "b", "", "a"},
		"detached by somebody":  {func(a, b, _ *memberSeen) { a.writable, b.replicaSeen = false, detached }, "b", GateOnePrimary, ""},
		"promoted": {func(a, b, _ *memberSeen) {
			a.writable, a.fenced, b.writable, b.replicaSeen = false, true, true, detached
		}, "b", "", ""},
		"on the way back": {func(a, b, c *memberSeen) {
			a.writable, a.fenced, b.writable = false, true, true
			a.replicaSeen, b.replicaSeen, c.replicaSeen = seenFollowing("10.0.0.2"), detached, seenFollowing("10.0.0.2")
		}, "a", "", "b"},
		"restarted before the way back": {func(a, b, c *memberSeen) {
			a.writable, a.fenced = false, true
			a.replicaSeen, b.replicaSeen, c.replicaSeen = seenFollowing("10.0.0.2"), detached, seenFollowing("10.0.0.2")
		}, "a", "", "b"},
		"follows another": {func(_, b, _ *memberSeen) { b.host = "10.0.0.9" }, "b", GateFollows, "a"},
		"stopped":         {func(_, b, _ *memberSeen) { b.sql = "No" }, "b", GateFollows, "a"},
		"other stopped":   {func(_, _, c *memberSeen) { c.io = "Connecting" }, "b", GateFollows, "a"},
		"lag":             {func(_, b, _ *memberSeen) { b.behind = "11" }, "b", GateLag, "a"},
		"little lag":      {func(_, b, _ *memberSeen) { b.behind = "10" }, "b", "", "a"},
		"unknown lag":     {func(_, b, _ *memberSeen) { b.behind = "NULL" }, "b", GateLag, "a"},
		"errant":          {func(_, b, _ *memberSeen) { b.state = "0-1-7,0-2-8" }, "b", GateErrant, "a"},
		"errant before":   {func(_, b, _ *memberSeen) { b.state = "0-2-3,0-1-7" }, "b", GateErrant, "a"},
		"known before":    {func(_, b, _ *memberSeen) { b.state, b.base = "0-2-3,0-1-7", "0-1-6,0-2-3" }, "b", "", "a"},
		"newer":           {func(_, b, _ *memberSeen) { b.version = "11.8.1" }, "b", GateVersions, "a"},
		"newer other":     {func(_, _, c *memberSeen) { c.version = "11.8.1" }, "b", "", "a"},
		"older other":     {func(_, _, c *memberSeen) { c.version = "10.6.1" }, "b", GateVersions, "a"},
		"unbound":         {func(a, _, _ *memberSeen) { a.unbound = []string{"boss"} }, "b", GateBound, "a"},
	} {
		s, err := stand(three(c.change), c.to)
		from := ""
		if s.old != nil {
			from = s.old.Name
		}
		if gate := gateOf(t, err); gate != c.gate || from != c.from || s.to.Name != c.to {
			t.Errorf("%s: from %q, gate %q (%v), want from %q, gate %q", what, from, gate, err, c.from, c.gate)
		}
	}
}

func TestChoose(t *testing.T) {
	for what, c := range map[string]struct {
		change func(a, b, c *memberSeen)
		want   string
	}{
		"the first":       {func(_, _, _ *memberSeen) {}, "b"},
		"the nearest":     {func(_, b, _ *memberSeen) { b.behind = "2" }, "c"},
		"the older":       {func(_, b, _ *memberSeen) { b.version = "11.8.1" }, "c"},
		"the clean":       {func(_, b, _ *memberSeen) { b.state = "0-2-9" }, "c"},
		"one is stopped":  {func(_, b, _ *memberSeen) { b.sql = "No" }, GateFollows},
		"none":            {func(a, _, _ *memberSeen) { a.writable = false }, GateOnePrimary},
		"away":            {func(_, _, c *memberSeen) { c.running = false }, GateReachable},
		"answered for":    {func(_, _, c *memberSeen) { c.Health, c.health = &Health{}, sum(healthText) }, "b"},
		"another clmgr's": {func(_, _, c *memberSeen) { c.Health, c.health = &Health{}, "0" }, GateHealth},
	} {
		got, err := choose(three(c.change))
		if err != nil {
			got = gateOf(t, err)
		}
		if got != c.want {
			t.Errorf("%s: %s (%v), want %s", what, got, err, c.want)
		}
	}
	if _, err := choose(three(func(_, _, _ *memberSeen) {})[:1]); gateOf(t, err) != GateReplicas {
		t.Errorf("alone: %v", err)
	}
}

func TestMayRestart(t *testing.T) {
	relieved := func(a, b, c *memberSeen) {
		a.writable, a.fenced, b.writable = false, true, true
		a.replicaSeen, b.replicaSeen, c.replicaSeen = seenFollowing("10.0.0.2"), replicaSeen{running: true}, seenFollowing("10.0.0.2")
	}
	for what, c := range map[string]struct {
		change     func(a, b, c *memberSeen)
		name, gate string
	}{
		"a replica":                   {func(_, _, _ *memberSeen) {}, "b", ""},
		"a replica that is down":      {func(_, b, _ *memberSeen) { b.running = false }, "b", ""},
		"another is down":             {func(_, _, c *memberSeen) { c.running = false }, "b", GateReachable},
		"another is stopped":          {func(_, _, c *memberSeen) { c.sql = "No" }, "b", GateFollows},
		"answered for":                {func(_, b, _ *memberSeen) { b.Health, b.health = &Health{}, sum(healthText) }, "b", ""},
		"answered for by nobody":      {func(_, b, _ *memberSeen) { b.Health = &Health{} }, "b", GateHealth},
		"the primary":                 {func(_, _, _ *memberSeen) {}, "a", GateIsReplica},
		"the primary, down":           {func(a, _, _ *memberSeen) { a.running, a.writable = false, false }, "a", GateIsReplica},
		"the master, relieved":        {relieved, "a", ""},
		"the one that has the role":   {relieved, "b", GateIsReplica},
		"a machine that is not there": {func(_, b, _ *memberSeen) { b.err = errors.New("no route") }, "b", GateReachable},
	} {
		if gate := gateOf(t, mayRestart(three(c.change), c.name)); gate != c.gate {
			t.Errorf("%s: %q, want %q", what, gate, c.gate)
		}
	}
}

func TestPositions(t *testing.T) {
	for _, c := range []struct{ position, of, beyond string }{
		{"", "", ""}, {"0-1-7", "0-2-7", ""}, {"0-1-8", "0-2-7", "0-1-8"}, {"0-1-7,1-1-2", "0-1-7", "1-1-2"}, {"0-1-7", "", "0-1-7"},
	} {
		if got := ahead(c.position, c.of); got != c.beyond {
			t.Errorf("%q is beyond %q by %q, want %q", c.position, c.of, got, c.beyond)
		}
	}
}
