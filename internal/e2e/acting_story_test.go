package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/clmgr/clmgr/internal/memcachedtest"
)

// stopped is the story of m2, switched off by somebody else, whose service somebody
// wants: it ends with both running, and neither was started twice. run is how
// heartbeats are run meanwhile.
func (a *acting) stopped(t *testing.T, m *manager, settle func()) {
	t.Helper()
	a.stopBehind(t, m)
	calls := a.api.Calls().Actions["StartInstances"]
	r := m.run("-o", "json", "services", "start", "cache2")
	d, list := parse(t, r.stdout), readActions(t, r)
	if r.code != 4 && r.code != 1 || r.code == 4 && d.Code != "ER0016" || len(list) != 2 {
		t.Fatalf("exit code %d, %s\n%s", r.code, d.Code, r.stderr)
	}
	if list[0].do() != "instances:start:m2" || list[1].do() != "services:start:cache2" {
		t.Errorf("queued: %+v", list)
	}
	if a.ping(t) {
		t.Error("memcached answers already")
	}
	settle()
	a.running(t, m)
	if n := a.api.Calls().Actions["StartInstances"] - calls; n != 1 {
		t.Errorf("the machine was started %d times", n)
	}
	for _, q := range m.actions("--state", "all") {
		if q.State != "done" {
			t.Errorf("%s is %s", q.ID, q.State)
		}
	}
}

// running checks that a client sees the memcached of m2, which was started once.
func (a *acting) running(t *testing.T, m *manager) {
	t.Helper()
	if !a.ping(t) {
		t.Error("memcached does not answer")
	}
	if n := a.starts(t, "m2", "memcached"); n != 1 {
		t.Errorf("memcached was started %d times since the machine booted", n)
	}
	if e := readBeat(t, m.run("-o", "json", "instances", "heartbeat").want(t, 0)).service(t, "cache2"); e.State != "running" {
		t.Errorf("the service is %+v", e)
	}
}

func storyOnFiles(t *testing.T, a *acting) {
	m := newManager(t, a.conf(t, "files", cache2()))
	var all []acted
	a.stopped(t, m, func() { all = m.settle() })
	if got := (beat{Acted: all}).moves("finish"); !slices.Equal(got, []string{"instances:start:m2", "services:start:cache2"}) {
		t.Errorf("done: %v", got)
	}
}

func storyOnMemcached(t *testing.T, a *acting) {
	c := a.conf(t, "shared", cache2())
	c.shares(newMemcached(t, "127.0.0.1"))
	m := newManager(t, c)
	a.stopped(t, m, func() { m.settle() })
}

// storyOfLaunch has m2 gone for good: it is launched, and its service started.
func storyOfLaunch(t *testing.T, a *acting) {
	m := newManager(t, a.conf(t, "launcher", cache2()))
	list, _ := m.look("instances", "heartbeat")
	_, err := a.bare.TerminateInstances(t.Context(), &sdk.TerminateInstancesInput{InstanceIds: []string{list["m2"].ID}})
	must(t, err)
	eventually(t, "m2 gone", func() bool {
		now, _ := m.look("instances", "heartbeat")
		return now["m2"].State == "absent" || now["m2"].State == "terminated"
	})
	calls := a.api.Calls().Actions["RunInstances"]
	r := m.run("-o", "json", "services", "start", "cache2").want(t, 4)
	if d, queue := parse(t, r.stdout), readActions(t, r); d.Code != "ER0017" || len(queue) != 2 || queue[0].do() != "instances:launch:m2" {
		t.Errorf("%s: %+v", d.Code, queue)
	}
	// Its disk is new: what was set up on the old one is set up before its service is started.
	m.until("m2 launched", func(b beat) bool { return slices.Contains(b.moves("finish"), "instances:launch:m2") })
	a.prepare(t)
	m.settle()
	a.running(t, m)
	if n := a.api.Calls().Actions["RunInstances"] - calls; n != 1 {
		t.Errorf("%d machines were launched", n)
	}
}

// storyOnForgetful goes through the story while memcached is flushed and killed.
func storyOnForgetful(t *testing.T, a *acting) {
	for seed := range uint64(3) {
		c := a.conf(t, fmt.Sprint("forgetful", seed), cache2())
		s := newMemcached(t, "127.0.0.1")
		c.shares(s)
		m := newManager(t, c)
		a.stopped(t, m, func() {
			end := harass(t, s, seed, 4*time.Second)
			m.settleAnyhow()
			end()
			m.settle()
		})
	}
}

// harass flushes a memcached, or kills and restarts it, at a few random moments
// within a time that begins now.
func harass(t *testing.T, s *memcachedtest.Server, seed uint64, within time.Duration) (end func()) {
	random := rand.New(rand.NewPCG(seed, 7))
	var moments []time.Duration
	for range 1 + random.IntN(3) {
		moments = append(moments, time.Duration(random.Int64N(int64(within))))
	}
	slices.Sort(moments)
	begun := time.Now()
	var told []string
	var all sync.WaitGroup
	all.Go(func() {
		for _, at := range moments {
			<-time.After(time.Until(begun.Add(at)))
			if random.IntN(2) == 0 {
				told = append(told, fmt.Sprintf("flushed after %v", at.Round(time.Millisecond)))
				s.Flush()
				continue
			}
			told = append(told, fmt.Sprintf("killed after %v", at.Round(time.Millisecond)))
			s.Kill()
			<-time.After(time.Duration(random.Int64N(int64(time.Second))))
			s.Up()
		}
	})
	t.Cleanup(all.Wait)
	return func() {
		all.Wait()
		t.Logf("seed %d: memcached was %s", seed, strings.Join(told, ", "))
	}
}

// settleAnyhow runs heartbeats until one finds the queue empty, with a store that may
// not answer. That says so, and nothing else goes wrong.
func (m *manager) settleAnyhow() {
	m.t.Helper()
	end := time.Now().Add(atLast)
	for {
		a := m.run("-o", "json", "instances", "heartbeat")
		switch {
		case a.code == 1 && !strings.Contains(a.stderr, "memcached"), a.code != 0 && a.code != 1 && a.code != 3:
			m.t.Fatalf("exit code %d\n%s\n%s", a.code, gist(a.stdout), a.stderr)
		case a.code != 1 && readBeat(m.t, a).empty():
			return
		case time.Now().After(end):
			m.t.Fatalf("the queue is never empty\n%s", m.run("-o", "table", "actions", "list").stdout)
		}
		time.Sleep(glance)
	}
}

// forgetful plays many short stories, some at once, on memcacheds that forget: each
// has a step by a command, a restart that must not be done twice, and a start.
func forgetful(t *testing.T, a *acting) {
	const seeds, width = 30, 4
	next := make(chan uint64)
	var all sync.WaitGroup
	for range width {
		all.Go(func() {
			for seed := range next {
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { forgetfulSeed(t, a, seed) })
			}
		})
	}
	for seed := range uint64(seeds) {
		next <- seed
	}
	close(next)
	all.Wait()
}

func forgetfulSeed(t *testing.T, a *acting, seed uint64) {
	unit, other := fmt.Sprintf("seed@%d-a", seed), fmt.Sprintf("seed@%d-b", seed)
	file, line := fmt.Sprintf("/root/seed-%d", seed), fmt.Sprint("line", seed)
	c := a.beside(t, fmt.Sprint("seed", seed), "m1",
		service{Name: "unit", Mode: "kept", Instance: "m1", Unit: unit}, service{Name: "second", Mode: "kept", Instance: "m1", Unit: other})
	c.started(line, "m1", "echo line >>"+file)
	c.Actions["lease"] = "1s"
	s := newMemcached(t, "127.0.0.1")
	c.shares(s)
	m := newManager(t, c)
	a.on(t, "m1", "systemctl start "+unit)
	document := fmt.Sprintf(`{actions: [
		{do_level: "services", do_action: "start", do_group: %q},
		{do_level: "services", do_action: "restart", do_group: "unit", require: {"invocation of unit": %q}},
		{do_level: "services", do_action: "start", do_group: "second", event_type: "instances", event_ip: "%s21", event_state: "running"},
	]}`, line, a.invocation(t, "m1", unit), a.net)
	end := harass(t, s, seed, 3*time.Second)
	r := m.pipe(document)
	if list := readActions(t, r); len(list) != 3 || r.code != 0 && r.code != 1 {
		t.Fatalf("exit code %d, queued %+v\n%s", r.code, list, r.stderr)
	}
	m.settleAnyhow()
	end()
	m.settle()
	if n := a.lines(t, "m1", file); n != 1 {
		t.Errorf("the command ran %d times", n)
	}
	if n := a.starts(t, "m1", unit); n != 2 {
		t.Errorf("the restarted unit was started %d times in all", n)
	}
	if n := a.starts(t, "m1", other); n != 1 {
		t.Errorf("the other unit was started %d times", n)
	}
	list := m.actions("--state", "all")
	if len(list) != 3 {
		t.Errorf("actions got lost: %+v", list)
	}
	for _, q := range list {
		if q.State != "done" {
			t.Errorf("%s is %s: %s", q.ID, q.State, q.Reason)
		}
	}
	a.on(t, "m1", "systemctl stop "+unit+" "+other)
}
