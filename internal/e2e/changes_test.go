package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// follower is a clmgr that follows the event log.
type follower struct{ *process }

func (m *manager) follow() follower { return follower{m.start("-o", "json", "events", "follow")} }

func (f follower) events() []event {
	f.t.Helper()
	var told []event
	for line := range strings.Lines(f.stdout.String()) {
		if !strings.HasSuffix(line, "\n") {
			break // it is still being written
		}
		var e event
		must(f.t, json.Unmarshal([]byte(line), &e))
		told = append(told, e)
	}
	return told
}

// end interrupts the follower when it has told so many events, and returns all.
func (f follower) end(count int) []event {
	f.t.Helper()
	eventually(f.t, "all events followed", func() bool { return len(f.events()) >= count })
	must(f.t, f.cmd.Process.Signal(syscall.SIGINT))
	f.wait().want(f.t, 130)
	return f.events()
}

// comeAndGo switches a machine off behind clmgr's back and stops a database, then
// puts both back.
func comeAndGo(t *testing.T, s *site) {
	m := newManager(t, s.sample())
	m.heartbeat(0)
	early := m.follow()
	must(t, s.Machine("m3").PowerOff(t.Context()))
	t.Cleanup(func() { must(t, s.Machine("m3").PowerOn(context.Background())) })
	s.signal(t, "m2", "mariadbd", "STOP")

	m.hasten("3s")
	gone := m.heartbeat(3)
	wantEvents(t, gone.Events,
		"demo/instances/m3: running → unreachable",
		"demo/services/nosql2: running → Memcache communication failure",
		"demo/services/sshd3: running → Database communication failure",
		"demo/services/boot3: running → Remote manager communication failure",
		"demo/services/node11: running → Database communication failure",
	)
	for _, name := range []string{"m1", "m2", "m4", "m5"} {
		if e := gone.instance(t, name); e.State != "running" {
			t.Errorf("%s is %s: %s", name, e.State, e.Reason)
		}
	}
	if again := m.heartbeat(3); len(again.Events) != 0 {
		t.Errorf("told twice: %v", again.Events)
	}
	s.powerOn(t, "m3")
	s.startMemcached(t, "m3")
	s.on(t, "m2", "pkill -CONT mariadbd")
	m.hasten(patience)
	back := m.heartbeat(0)
	wantEvents(t, back.Events,
		"demo/instances/m3: unreachable → running",
		"demo/services/nosql2: Memcache communication failure → running",
		"demo/services/sshd3: Database communication failure → running",
		"demo/services/boot3: Remote manager communication failure → running",
		"demo/services/node11: Database communication failure → running",
	)
	told := slices.Concat(gone.Events, back.Events)
	for name, list := range map[string][]event{
		"events list": m.log(), "a follower from before": early.end(len(told)), "a follower from after": m.follow().end(len(told)),
	} {
		if diff := cmp.Diff(told, list); diff != "" {
			t.Errorf("%s differs from what the heartbeats told (-heartbeats +this):\n%s", name, diff)
		}
	}
}

// configurationChanges are of the file only; the machines stay as they are.
func configurationChanges(t *testing.T, s *site) {
	m := newManager(t, s.sample())
	demo := m.Clusters["demo"]
	all := demo.Services
	demo.Services = all[:5]
	m.configure()
	m.heartbeat(0)

	reverse(demo.Instances)
	reverse(demo.Services)
	m.configure()
	wantEvents(t, m.heartbeat(0).Events)
	const added, removed = "demo/services/boot3: absent → running", "demo/services/boot3: running → absent"
	ids := map[string]bool{}
	for _, want := range []string{added, removed, added, removed} {
		demo.Services = all[:5]
		if want == added {
			demo.Services = all[:6]
		}
		m.configure()
		told := m.heartbeat(0).Events
		wantEvents(t, told, want)
		ids[told[0].ID] = true
	}
	if len(ids) != 4 {
		t.Errorf("four events have %d ids", len(ids))
	}
	wantEvents(t, m.log(), added, removed, added, removed)
	machines := demo.Instances
	demo.Instances = machines[1:]
	demo.Services = nil
	for _, v := range all[:5] {
		if v.Instance != machines[0].Name {
			demo.Services = append(demo.Services, v)
		}
	}
	m.configure()
	wantEvents(t, m.heartbeat(0).Events, "demo/instances/"+machines[0].Name+": running → absent")
}

func reverse[E any](list []E) {
	for i := range len(list) / 2 {
		list[i], list[len(list)-1-i] = list[len(list)-1-i], list[i]
	}
}

// declaredStopped is a machine that its operator says is off: it is not probed, and
// that it is off is as it should be.
func declaredStopped(t *testing.T, s *site) {
	m := newManager(t, s.sample())
	m.heartbeat(0)
	for i := range m.Clusters["demo"].Instances {
		if one := &m.Clusters["demo"].Instances[i]; one.Name == "m5" {
			one.State = "stopped"
		}
	}
	m.configure()
	sessions := func() string { return s.on(t, "m5", "journalctl -u ssh --no-pager | grep -c Accepted || :") }
	before := sessions()
	wantEvents(t, m.heartbeat(0).Events,
		"demo/instances/m5: running → stopped", "demo/services/nosql5: running → stopped")
	if now := sessions(); now != before {
		t.Errorf("m5 was logged in to all the same: %s logins, then %s", before, now)
	}
}

// firstEvents are told only where the configuration asks for them.
func firstEvents(t *testing.T, s *site) {
	quiet, loud := s.sample().only("m4"), s.sample().only("m4")
	loud.Heartbeat["first_events"] = true
	wantEvents(t, newManager(t, quiet).heartbeat(0).Events)
	m := newManager(t, loud)
	wantEvents(t, m.heartbeat(0).Events,
		"demo/instances/m4: absent → running", "demo/services/nosql4: absent → running",
		"demo/clusters/demo: absent → consistent", "demo/managers/watcher: absent → seeing")
	record := read(t, m.record("demo"))
	m.run("services", "status").want(t, 0)
	m.run("instances", "status").want(t, 0)
	if !bytes.Equal(record, read(t, m.record("demo"))) {
		t.Error("a status command recorded something")
	}
}
