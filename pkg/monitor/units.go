package monitor

import (
	"context"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Unit is a systemd unit that should run.
type Unit struct {
	Name     string
	Severity string // of an event that says it does not
}

// Units are the units of one machine.
type Units struct {
	Machine
	Units    []Unit
	Settle   time.Duration // how long a unit may be on its way from one state to another
	Calm     time.Duration // without a restart or a hit until that is over
	Restarts int           // within Calm, from which on they are told; at least 1
}

// WatchUnits is the loop that looks at units: one command a machine and beat, and one
// more where a unit was started anew, which asks the journal why.
func WatchUnits(o Options, machines []Units) *Loop {
	l := &Loop{name: "units"}
	for _, m := range machines {
		k := keeper{store: o.Store, key: "watch/units/" + m.Cluster + "/" + m.Name, tell: o.Tell}
		var before []map[string]shown // the last two looks that were recorded, the newest first
		l.tasks = append(l.tasks, &task{every: m.Every, limit: m.Timeout, look: func(ctx context.Context) take {
			seen, err := m.see(ctx, before)
			return func(ctx context.Context, now time.Time) error {
				failed := k.turn(ctx, "look at units", now, func(b *book, now time.Time) { m.turn(b, o, seen, err, now) })
				if failed == nil && err == nil {
					before = append([]map[string]shown{seen.units}, before[:min(len(before), 1)]...)
				}
				return failed
			}
		}})
		names := make([]string, len(m.Units))
		for n, u := range m.Units {
			names[n] = u.Name
		}
		l.watched = append(l.watched, m.watching(heartbeat.Units, strings.Join(names, " "), k, goodUnit))
	}
	return l
}

// see looks at the units.
func (m Units) see(ctx context.Context, before []map[string]shown) (sight, error) {
	names := make([]string, len(m.Units))
	for n, u := range m.Units {
		names[n] = u.Name
	}
	text, err := m.ask(ctx, unitsQuestion(names))
	if err != nil {
		return sight{}, err
	}
	hostname, units, err := readUnits(text, names)
	if err != nil {
		return sight{}, err
	}
	hits, err := m.hits(ctx, m.suspects(units, before), units)
	return sight{hostname, units, hits}, err
}

// suspects are the units whose watchdog may have been missed since: those that do not
// run as they did at one of the last two looks. A hit is in the journal a little later
// than in the counters, hence two.
func (m Units) suspects(units map[string]shown, before []map[string]shown) []string {
	var out []string
	for _, u := range m.Units {
		now, same := units[u.Name], len(before) == 2
		for _, b := range before {
			same = same && b[u.Name].restarts == now.restarts && b[u.Name].run == now.run && b[u.Name].result == now.result
		}
		if !same && now.load == "loaded" {
			out = append(out, u.Name)
		}
	}
	return out
}

// hits asks the journal, which is open to root, about the units. Where it is closed to us
// that is no failure of the look.
func (m Units) hits(ctx context.Context, suspects []string, units map[string]shown) (map[string]string, error) {
	if len(suspects) == 0 {
		return nil, nil
	}
	ids := make([]string, len(suspects))
	for n, name := range suspects {
		ids[n] = units[name].id
	}
	out, err := job.Root(ctx, m.Runner, hitQuestion(ids))
	if unreachable(err) || ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		return nil, nil //nolint:nilerr // see above
	}
	return readHits(string(out.Stdout), suspects), nil
}
