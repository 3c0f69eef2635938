package e2e_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clmgr/clmgr/internal/lab"
)

// isolation is the manager's own network gone, every carrier kept: it says that of
// itself and nothing of the machines. It happens twice, seen by a whole look and by
// one through a filter.
func isolation(t *testing.T, s *site) {
	m := newManager(t, s.sample())
	m.heartbeat(0)
	before := m.heartbeat(0, "--last").entries()
	var told []event
	for _, filter := range []string{"all", "node10"} {
		heal := s.cut(t, lab.Cut{From: []string{lab.Host}})
		m.hasten("500ms") // nobody answers
		blind := m.heartbeat(3, filter)
		wantEvents(t, blind.Events, "demo/managers/watcher: seeing → isolated")
		told = append(told, blind.Events...)
		wantEvents(t, m.heartbeat(3).Events)
		for name, e := range m.heartbeat(3, "--last").entries() {
			if strings.Contains(name, "/managers/") || strings.Contains(name, "/clusters/") {
				continue
			}
			if was := before[name]; !e.Stale || e.State != was.State || e.Status != was.Status || e.Code != was.Code {
				t.Errorf("%s was %+v and is %+v", name, was, e)
			}
		}
		heal()
		m.hasten(patience)
		seeing := m.heartbeat(0)
		wantEvents(t, seeing.Events, "demo/managers/watcher: isolated → seeing")
		told = append(told, seeing.Events...)
	}
	if diff := cmp.Diff(told, m.log()); diff != "" {
		t.Errorf("the log is not what was told (-told +log):\n%s", diff)
	}
}

// oneMachineSilent is no isolation: what is seen of it is told, with and without a
// filter.
func oneMachineSilent(t *testing.T, s *site) {
	m := newManager(t, s.sample())
	m.heartbeat(0)
	heal := s.cut(t, lab.Cut{From: []string{lab.Host}, To: []string{"m5"}})
	m.hasten("3s")
	wantEvents(t, m.heartbeat(3, "nosql5").Events,
		"demo/instances/m5: running → unreachable",
		"demo/services/nosql5: running → Memcache communication failure")
	heal()
	m.hasten(patience)
	wantEvents(t, m.heartbeat(0, "m5").Events,
		"demo/instances/m5: unreachable → running",
		"demo/services/nosql5: Memcache communication failure → running")
}

// filterTouchesNothingElse although something else has changed.
func filterTouchesNothingElse(t *testing.T, s *site) {
	m := newManager(t, s.sample())
	m.heartbeat(0)
	before := stored(t, m)
	s.stopMemcached(t, "m3")
	s.stopMemcached(t, "m1")
	looked := m.heartbeat(0, "node10")
	wantEvents(t, looked.Events)
	covered := map[string]bool{"demo/instances/m1": true, "demo/services/node10": true}
	after := stored(t, m)
	if len(after) != len(before) {
		t.Errorf("%d entries are stored, not %d", len(after), len(before))
	}
	for name, was := range before {
		switch now := after[name]; {
		case covered[name] && now.Time == was.Time:
			t.Errorf("%s was covered, but is from %s still", name, now.Time)
		case !covered[name] && now != was:
			t.Errorf("%s was not covered, but is %+v now, not %+v", name, now, was)
		}
	}
	for name := range looked.entries() {
		if !covered[name] && !strings.Contains(name, "/managers/") && !strings.Contains(name, "/clusters/") {
			t.Errorf("%s is in the answer about node10", name)
		}
	}
	wantEvents(t, m.heartbeat(3).Events,
		"demo/services/nosql1: running → Memcache communication failure",
		"demo/services/nosql2: running → Memcache communication failure")
	s.startMemcached(t, "m1")
	s.startMemcached(t, "m3")
	m.run("instances", "heartbeat", "node99").want(t, 2)
	wantEvents(t, m.heartbeat(0).Events,
		"demo/services/nosql1: Memcache communication failure → running",
		"demo/services/nosql2: Memcache communication failure → running")
}
