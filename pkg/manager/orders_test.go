package manager

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
	"github.com/clmgr/clmgr/pkg/plan"
)

const fiveMachines = `
state_dir: %s
manager: mgr
clusters:
  demo:
    cloud: {driver: EC2, endpoint: "http://127.0.0.1:1", region: lab, subnet: subnet-1, template: ami-1, user: key, password: canary-of-the-cloud}
    database: {user: clmgr, password: canary-of-the-database}
    replication: {user: copies, password: canary-of-the-copies}
    instances: [{name: m1, ip: 10.0.0.1}, {name: m2, ip: 10.0.0.2}, {name: m3, ip: 10.0.0.3}, {name: m4, ip: 10.0.0.4}, {name: m5, ip: 10.0.0.5}]
    services:
      - {name: vip4, mode: keepalived, instance: m4, vip: 10.0.0.9, managed: true}
      - {name: vip5, mode: keepalived, instance: m5, vip: 10.0.0.9, managed: true}
      - {name: lb4, mode: haproxy, instance: m4, managed: true}
      - {name: lb5, mode: haproxy, instance: m5, managed: true}
      - {name: cache4, mode: memcache, instance: m4, managed: true}
      - {name: cache5, mode: memcache, instance: m5, managed: true}
      - {name: db3, mode: mariadb, instance: m3, role: slave, managed: true}
      - {name: db2, mode: mariadb, instance: m2, role: slave, managed: true}
      - {name: db1, mode: mariadb, instance: m1, role: master, managed: true}
`

// order is one order in which the actions of a plan come, and what becomes of the machines.
type order struct {
	t   *testing.T
	m   *Manager
	rng *rand.Rand
	q   *actions.Queue
	now time.Time

	state  map[string]string // of machines
	done   map[string]int    // how often a step took effect
	runs   map[string]int    // how often it was at work
	deaths map[string]int    // and how often whoever was at work on it died
}

// Whatever order the actions of a plan come in, whoever dies before or after any of them,
// and however often it is asked for on the way: five machines are launched, everything is
// done once, nothing before what it stands on, and in the end there is nothing to do.
func TestEveryOrder(t *testing.T) {
	dir := t.TempDir()
	m := managerOf(t, dir, fmt.Sprintf(fiveMachines, dir))
	const orders = 300
	deaths, seen := 0, map[string]bool{}
	for seed := range uint64(orders) {
		o := &order{
			t: t, m: m, rng: rand.New(rand.NewPCG(seed, 0)), q: &actions.Queue{}, now: beatTime, //nolint:gosec // orders, no secrets
			state: map[string]string{}, done: map[string]int{}, runs: map[string]int{}, deaths: map[string]int{},
		}
		line := o.play()
		if t.Failed() {
			t.Fatalf("seed %d: %s", seed, line)
		}
		seen[line] = true
		for _, n := range o.deaths {
			deaths += n
		}
	}
	t.Logf("%d different orders of %d, %d deaths", len(seen), orders, deaths)
	if len(seen) < orders/2 || deaths < orders {
		t.Error("these orders show little")
	}
}

// play goes to the end and returns the order of what took effect.
func (o *order) play() string {
	o.start()
	line := ""
	for turns := 0; ; turns++ {
		o.settle()
		if o.over() {
			break
		}
		if turns > 2000 {
			o.t.Errorf("it has no end: %v", o.q.All())
			return line
		}
		if o.rng.IntN(20) == 0 {
			o.start()
		} else {
			line += o.one()
		}
	}
	if added := o.start(); added > 0 {
		o.t.Errorf("in the end %d actions are queued", added)
	}
	for key, n := range o.done {
		if n != 1 || o.runs[key] != 1+o.deaths[key] {
			o.t.Errorf("%s took effect %d times in %d runs with %d deaths", key, n, o.runs[key], o.deaths[key])
		}
	}
	for _, name := range []string{"m1", "m2", "m3", "m4", "m5"} {
		if o.done["launch "+name] != 1 {
			o.t.Errorf("%s was launched %d times", name, o.done["launch "+name])
		}
	}
	for _, v := range o.m.clusters[0].Services {
		if !o.up(v.Target.Name) {
			o.t.Errorf("%s was never started", v.Target.Name)
		}
	}
	return line
}

func (o *order) up(service string) bool { return o.done["start "+service] > 0 }

// status is what a heartbeat would see.
func (o *order) status() heartbeat.Status {
	s := heartbeat.Status{At: o.now, Manager: "mgr"}
	cluster := o.m.clusters[0]
	for _, i := range o.m.cfg.Clusters[0].Instances {
		state := heartbeat.Absent
		if is, ok := o.state[i.Name]; ok {
			state = is
		}
		s.Instances = append(s.Instances, heartbeat.Instance{Cluster: cluster.Name, ID: i.Name, Name: i.Name, IP: i.IP, State: state, At: o.now})
	}
	for _, v := range cluster.Services {
		code := command.RemoteCommFailure
		if o.up(v.Target.Name) {
			code = command.OK
		}
		s.Services = append(s.Services, heartbeat.Service{Cluster: cluster.Name, Name: v.Target.Name, IP: v.IP, Mode: v.Target.Mode, Code: code, At: o.now})
	}
	return s
}

// start asks for all services, as clmgr services start all does, and returns how much that
// queued.
func (o *order) start() int {
	o.t.Helper()
	c := command.Command{Level: "services", Action: "start", Group: "all"}
	status := o.status()
	wishes := o.m.wishes(c.Action, o.m.choose(c), status)
	sortLayers(wishes)
	added := 0
	for _, w := range wishes {
		if w.err != nil {
			o.t.Fatal(w.err)
		}
		for _, p := range o.m.service(w.cluster, w.service).Provisions {
			w.wanted.Before = append(w.wanted.Before, plan.Known{Verb: p.Verb, Done: o.done[p.Verb+" "+w.service.Target.Name] > 0})
		}
		if w.steps = w.wanted.Steps(); len(w.steps.Drafts) == 0 {
			continue
		}
		o.m.draft(w, wishes, status)
		all, bad := o.q.Add(actions.Request{
			Writer: "w", Drafts: w.steps.Drafts, InOrder: true, Strict: true, Now: o.now, Limits: o.limits(), Words: o.m.words,
		})
		if len(bad) > 0 {
			o.t.Fatal(bad)
		}
		for _, a := range all {
			w.ids = append(w.ids, a.ID)
			if !a.Joined {
				added++
			}
		}
	}
	return added
}

func (o *order) limits() actions.Limits {
	l := actions.Usual()
	l.Tries = 1000 // each death is one
	return l
}

func (o *order) input() actions.Input {
	return actions.Input{Status: o.status(), Now: o.now, Leases: actions.Leases{Passed: true}, Limits: o.limits(), Words: o.m.words}
}

// settle is the end of a look: machines that were launched may have come to run.
func (o *order) settle() {
	for _, i := range o.m.cfg.Clusters[0].Instances {
		if o.state[i.Name] == heartbeat.Pending && o.rng.IntN(3) == 0 {
			o.state[i.Name] = heartbeat.Running
		}
	}
	in := o.input()
	o.q.Settle(o.q.Due(in), in)
	o.now = o.now.Add(time.Second)
}

func (o *order) over() bool {
	return !slices.ContainsFunc(o.q.All(), func(a actions.Action) bool { return a.State() != actions.Done })
}

// one does one of the actions that are due, and returns what that came to.
func (o *order) one() string {
	o.t.Helper()
	due := o.q.Due(o.input()).Due
	if len(due) == 0 {
		o.now = o.now.Add(10 * time.Second)
		return ""
	}
	id := due[o.rng.IntN(len(due))]
	a, _ := o.q.Get(id)
	key := a.Do.Action + " " + a.Do.Group
	o.change(id, func(p actions.Progress) (actions.Progress, error) { return p.Take("w/1-a", 30*time.Second, o.now) })
	o.runs[key]++
	die := func() bool {
		if o.rng.IntN(6) > 0 {
			return false
		}
		o.deaths[key]++
		o.now = o.now.Add(time.Minute) // in which others see no beat
		o.change(id, func(p actions.Progress) (actions.Progress, error) { return p.Lapse(p.Claim(), o.limits().Lapsed(p)) })
		return true
	}
	if die() {
		return ""
	}
	line := ""
	if o.done[key] == 0 {
		o.inOrder(a.Do)
		o.done[key]++
		line = key + ", "
		if a.Do.Level == "instances" {
			o.state[a.Do.Group] = heartbeat.Pending
		}
	}
	if !die() {
		o.change(id, func(p actions.Progress) (actions.Progress, error) { return p.Finish(p.Claim(), o.now) })
	}
	return line
}

func (o *order) change(id actions.ID, f func(actions.Progress) (actions.Progress, error)) {
	o.t.Helper()
	if err := o.q.Change(id, func(a actions.Action) (actions.Progress, error) { return f(a.Progress) }); err != nil {
		o.t.Fatal(err)
	}
}

// inOrder checks that what a step stands on is there.
func (o *order) inOrder(do command.Command) {
	o.t.Helper()
	if do.Level != "services" {
		return
	}
	cluster := o.m.clusters[0]
	n := slices.IndexFunc(cluster.Services, func(v collect.Service) bool { return v.Target.Name == do.Group })
	v := cluster.Services[n]
	if machine := cluster.MachineAt(v.IP).Name; o.state[machine] != heartbeat.Running {
		o.t.Errorf("%s %s while %s is %q", do.Action, do.Group, machine, o.state[machine])
	}
	for _, p := range o.m.service(cluster, v).Provisions {
		if p.Verb == do.Action {
			break
		}
		if o.done[p.Verb+" "+do.Group] == 0 {
			o.t.Errorf("%s %s before its %s", do.Action, do.Group, p.Verb)
		}
	}
	var first string
	switch {
	case do.Action == "replicate", v.Target.Mode == "haproxy" && do.Action != "bootstrap_binaries":
		first = "db1"
	case v.Target.Mode == "keepalived" && do.Action != "bootstrap_binaries":
		first = map[string]string{"vip4": "lb4", "vip5": "lb5"}[do.Group]
	}
	if first != "" && !o.up(first) {
		o.t.Errorf("%s %s before %s is up", do.Action, do.Group, first)
	}
}
