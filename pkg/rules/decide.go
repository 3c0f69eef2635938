package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Input is what is decided by.
type Input struct {
	Rules []Rule
	// Automatic are the clusters in which clmgr may act by itself.
	Automatic map[string]bool
	// Groups are what can be named in each cluster.
	Groups map[string]map[string]bool
	Now    time.Time
	// Oldest is how long ago an event may be and still start something; 0 for any time.
	Oldest time.Duration
}

// Decide takes events in their order and returns the next state, with what is to be
// done in its outbox, behind what is there already. What waits for time is looked at
// after them where no more events are to come: those could say that it is over.
func (s State) Decide(in Input, events []heartbeat.Event, last bool) State {
	d := decider{s.clone(), in}
	d.tidy(in)
	for _, e := range events {
		if !hears(e) {
			continue
		}
		for _, r := range in.Rules {
			d.see(r, e)
		}
	}
	if last {
		d.ripen()
	}
	return d.State
}

// decider is a state on its way to the next one.
type decider struct {
	State
	in Input
}

// see has a rule look at an event.
func (d *decider) see(r Rule, e heartbeat.Event) {
	match := r.When.Match(e)
	if r.For > 0 {
		d.await(r, e, match)
		return
	}
	if !match {
		return
	}
	if old := d.in.Now.Sub(e.At); d.in.Oldest > 0 && old > d.in.Oldest {
		d.keepBack(r, e, Late, "it happened "+rough(old)+" ago")
		return
	}
	d.fire(r, e)
}

// await begins to wait, or ends it.
func (d *decider) await(r Rule, e heartbeat.Event, match bool) {
	at := d.waiting(r.Name, e.Key)
	switch {
	case match && at < 0:
		d.Waiting = append(d.Waiting, Waiting{Rule: r.Name, Event: e, Since: earlier(e.At, d.in.Now)})
	case !match && at >= 0:
		if w := d.Waiting[at]; w.Fired && r.Do.Alert != nil {
			d.decide(r, e, Over, "it was so for "+rough(d.in.Now.Sub(w.Since)))
		}
		d.Waiting = slices.Delete(d.Waiting, at, at+1)
	}
}

// waiting is where a rule waits for something; -1 for nowhere.
func (d *decider) waiting(rule string, key heartbeat.Key) int {
	return slices.IndexFunc(d.Waiting, func(w Waiting) bool { return w.Rule == rule && w.Event.Key == key })
}

// ripen fires what has waited for long enough, and may fire.
func (d *decider) ripen() {
	for n := range d.Waiting {
		w := &d.Waiting[n]
		w.Since = earlier(w.Since, d.in.Now)
		r := d.in.rule(w.Rule)
		if !w.Fired && d.in.Now.Sub(w.Since) >= r.For {
			w.Fired = d.fire(r, w.Event)
		}
	}
}

// rule is the rule of a name, which is there.
func (in Input) rule(name string) Rule {
	return in.Rules[slices.IndexFunc(in.Rules, func(r Rule) bool { return r.Name == name })]
}

// fire decides what a rule does about an event, and tells whether it may at all now.
func (d *decider) fire(r Rule, e heartbeat.Event) bool {
	if why, _ := d.flood(r, e.Key, d.in.Now); why != "" {
		d.keepBack(r, e, KeptBack, why)
		return false
	}
	verdict, reason := d.in.judge(r, e)
	if at := d.kept(r.Name, e.Key); at >= 0 {
		if more := d.Kept[at].Times - 1; more > 0 { // the first was told
			reason = strings.TrimPrefix(reason+fmt.Sprintf("; %d more were kept back since the last time", more), "; ")
		}
		d.Kept = slices.Delete(d.Kept, at, at+1)
	}
	d.Fired[r.Name] = append(d.Fired[r.Name], Fired{e.Key, d.in.Now})
	d.decide(r, e, verdict, reason)
	return true
}

// judge says whether a rule acts on an event, and where not, why.
func (in Input) judge(r Rule, e heartbeat.Event) (Verdict, string) {
	if r.Do.Alert != nil {
		return Alerts, ""
	}
	cluster, _, err := r.placed(e, in)
	switch {
	case err != nil:
		return Refused, err.Error()
	case !in.Automatic[cluster]:
		return Would, "the cluster " + cluster + " is not automatic"
	}
	return Queue, ""
}

// decide puts a decision into the outbox.
func (d *decider) decide(r Rule, e heartbeat.Event, v Verdict, reason string) {
	out := Decision{Rule: r.Name, Verdict: v, Reason: reason, Event: e, Cluster: e.Key.Cluster, At: d.in.Now, What: r.Do.String()}
	if r.Do.Alert != nil {
		out.Severity, out.Labels = r.Do.Alert.Severity, r.Do.Alert.Labels
		if r.For > 0 { // then its end is decided too
			out.Labels = maps.Clone(out.Labels)
			if out.Labels == nil {
				out.Labels = map[string]string{}
			}
			out.Labels[LastsLabel] = "true"
		}
	} else if cluster, do, err := r.placed(e, d.in); err == nil {
		out.Cluster, out.Do, out.What = cluster, do, Do{Command: &Command{do.Level, do.Action, do.Group}}.String()
	}
	d.Outbox = append(d.Outbox, out)
}

// clusterOf is the cluster in which a command is given: the event's, or the only one
// in which there is what the command names.
func (in Input) clusterOf(e heartbeat.Event, do command.Command) (string, error) {
	named := func(cluster string) bool { return do.Level == actions.Scripts || in.Groups[cluster][do.Group] }
	if cluster := e.Key.Cluster; cluster != "" {
		if in.Groups[cluster] == nil {
			return cluster, fmt.Errorf("there is no cluster %q", cluster)
		}
		if !named(cluster) {
			return cluster, fmt.Errorf("there is no %q in cluster %s", do.Group, cluster)
		}
		return cluster, nil
	}
	var found []string
	for cluster := range in.Groups {
		if named(cluster) && (do.Group != command.All || len(in.Groups) == 1) {
			found = append(found, cluster)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("there is no %q in any cluster", do.Group)
	}
	return "", errors.New("the event names no cluster, and it could be several")
}

// rough is a duration as people say it.
func rough(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}
