package actions

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Trigger is what an action waits for: that what is at IP is in State. The zero
// Trigger is always true. Of services all those at the ip must be in the state.
type Trigger struct {
	IP    netip.Addr
	Kind  heartbeat.Kind // heartbeat.Instances or heartbeat.Services
	State string
}

// String gives KIND:IP:STATE.
func (t Trigger) String() string {
	if t == (Trigger{}) {
		return "nothing"
	}
	return string(t.Kind) + ":" + t.IP.String() + ":" + t.State
}

// Asker is who asked for something.
type Asker struct {
	Who     string // the user
	Where   string // the host, and the door it came through
	Command string // as it was given, secrets masked
}

// Action is one thing to do when its trigger is true. All but Progress is
// settled when it is queued and never changes.
type Action struct {
	ID      ID
	Cluster string
	// Plan groups actions that run one after the other, in the order of their
	// ids; empty for an action that stands alone. One writer writes a plan.
	Plan  string
	After []ID // also to be done first, of whatever plan
	When  Trigger
	Do    command.Command // Level, Action and Group; the cluster stands above
	// Instance is the id of the machine it was queued for; empty where none was
	// known. On another machine at the same ip it does not run.
	Instance string
	// Require is what its handler found when it was queued and wants to find
	// again (a unit's invocation id, the expected primary). Only it reads it.
	Require   map[string]string
	NotBefore time.Time // zero for none; at most Limits.Longest after Created
	Expires   time.Time // when it is parked if it still waits; zero for never
	AskedBy   Asker
	Created   time.Time
	Progress  Progress
}

// Command returns what is to be done, its cluster filled in.
func (a Action) Command() command.Command {
	c := a.Do.Normal()
	c.Cluster = a.Cluster
	return c
}

// State is the state derived from the action's progress.
func (a Action) State() State { return a.Progress.State() }

// Deadline returns when the action is parked if it still waits: what it was
// given when it was queued, counted anew from a retry. Zero for never.
func (a Action) Deadline() time.Time {
	if a.Expires.IsZero() || a.Progress.Renewed.IsZero() {
		return a.Expires
	}
	if anew := a.Progress.Renewed.Add(a.Expires.Sub(a.Created)); anew.After(a.Expires) {
		return anew
	}
	return a.Expires
}

// Bind returns the action bound to the machine that s shows at its trigger's
// ip. Where none is there, or it is one that is not launched, it stays unbound.
func Bind(a Action, s heartbeat.Status) Action {
	if a.When.Kind != heartbeat.Instances {
		return a
	}
	x := newIndex(s)
	if i := x.at(a.Cluster, a.When.IP); i != nil && !i.Stale && !gone(i.State) {
		a.Instance = i.ID
	}
	return a
}

// compareFixed orders by what never changes. Copies of one action are equal in
// it; if they are not, something is broken, and every copy must come to prefer
// the same one.
func compareFixed(a, b *Action) int {
	if c := cmp.Or(
		a.Created.Compare(b.Created), a.NotBefore.Compare(b.NotBefore), a.Expires.Compare(b.Expires),
		strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Plan, b.Plan), strings.Compare(a.Instance, b.Instance),
		a.When.IP.Compare(b.When.IP), cmp.Compare(a.When.Kind, b.When.Kind), strings.Compare(a.When.State, b.When.State),
		strings.Compare(a.Do.Level, b.Do.Level), strings.Compare(a.Do.Action, b.Do.Action), strings.Compare(a.Do.Group, b.Do.Group),
		slices.CompareFunc(a.After, b.After, ID.Compare), compareAsker(a.AskedBy, b.AskedBy),
	); c != 0 {
		return c
	}
	if maps.Equal(a.Require, b.Require) {
		return 0
	}
	return slices.Compare(pairs(a.Require), pairs(b.Require))
}

func compareAsker(a, b Asker) int {
	return cmp.Or(strings.Compare(a.Who, b.Who), strings.Compare(a.Where, b.Where), strings.Compare(a.Command, b.Command))
}

// pairs lists a map as key, value, key, value, in the order of keys.
func pairs(m map[string]string) []string {
	out := make([]string, 0, 2*len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k, m[k])
	}
	return out
}
