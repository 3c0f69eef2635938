package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"
)

// atOnce runs so many heartbeats at the same instant and returns the events they
// told, all together.
func atOnce(t *testing.T, m *manager, count int) []event {
	t.Helper()
	var all []*process
	for range count {
		all = append(all, m.start("-o", "json", "instances", "heartbeat"))
	}
	var told []event
	for _, p := range all {
		a := p.wait()
		if a.code != 0 && a.code != 3 {
			t.Fatalf("exit code %d\n%s\n%s", a.code, gist(a.stdout), a.stderr)
		}
		told = append(told, parse(t, a.stdout).Events...)
	}
	return told
}

// undelivered is how many events of the record have not reached the log.
func undelivered(t *testing.T, m *manager) int {
	t.Helper()
	var record struct {
		Undelivered []event `json:"undelivered"`
	}
	must(t, json.Unmarshal(read(t, m.record("demo")), &record))
	return len(record.Undelivered)
}

// cron starts two heartbeats at the same instant, again and again, each time after
// something has changed on machines: both end well, and each difference is told by
// one of them and logged under one id.
func cron(t *testing.T, s *site) {
	m := newManager(t, s.sample())
	m.heartbeat(0)
	var told []event
	for round := range 10 {
		want := []string{
			"demo/services/nosql4: running → Memcache communication failure",
			"demo/instances/m5: running → unreachable",
		}
		if round%2 == 0 {
			s.stopMemcached(t, "m4")
			s.on(t, "m5", "systemctl stop ssh")
		} else {
			want = []string{
				"demo/services/nosql4: Memcache communication failure → running",
				"demo/instances/m5: unreachable → running",
			}
			s.on(t, "m5", "systemctl start ssh")
			s.startMemcached(t, "m4")
		}
		seen := atOnce(t, m, 2)
		wantEvents(t, seen, want...)
		told = append(told, seen...)
		if n := undelivered(t, m); n != 0 {
			t.Errorf("%d events have not reached the log", n)
		}
	}
	wantSameEvents(t, told, m.log())
	wantEvents(t, m.heartbeat(0).Events)
}

// wantSameEvents checks that the log holds what was told, each once, and that for each
// entry it is one story.
func wantSameEvents(t *testing.T, told, log []event) {
	t.Helper()
	ids := map[string]bool{}
	var lines []string
	state := map[string]string{}
	for _, e := range log {
		if ids[e.ID] {
			t.Errorf("id %s stands twice in the log", e.ID)
		}
		ids[e.ID] = true
		if was, ok := state[e.about()]; ok && was != e.PreviousState || e.State == e.PreviousState {
			t.Errorf("%s does not follow on %q", e, was)
		}
		state[e.about()] = e.State
	}
	for _, e := range told {
		lines = append(lines, e.String())
	}
	slices.Sort(lines)
	wantEvents(t, log, lines...)
}

// fiveDoors is a manager of five services that open and shut at once.
func fiveDoors(t *testing.T) (m *manager, toggle func()) {
	t.Helper()
	all, open := map[string]*door{}, map[string]bool{}
	for n := range 5 {
		name := fmt.Sprint("door", n)
		all[name], open[name] = newDoor(t), true
	}
	m = newManager(t, doors(all))
	m.heartbeat(0)
	return m, func() {
		for name, d := range all {
			switch {
			case rand.N(4) == 0: // it stays
			case open[name]:
				d.shut()
				open[name] = false
			default:
				d.open()
				open[name] = true
			}
		}
	}
}

// TestFourAtOnce start at the same instant, while nothing but the store is in the way.
func TestFourAtOnce(t *testing.T) {
	t.Parallel()
	m, toggle := fiveDoors(t)
	var told []event
	for range 10 {
		toggle()
		told = append(told, atOnce(t, m, 4)...)
	}
	if len(told) == 0 {
		t.Error("nothing happened")
	}
	wantSameEvents(t, told, m.log())
}

// TestKilled kills heartbeats at any moment. What the record says after each is what
// happened: every step of it is in the log once, when the dust has settled.
func TestKilled(t *testing.T) {
	t.Parallel()
	m, toggle := fiveDoors(t)
	begun := time.Now()
	m.heartbeat(0)
	usual := time.Since(begun)
	before := stored(t, m)
	var recorded []event
	note := func() {
		now := stored(t, m)
		for name, e := range now {
			if was := before[name]; was.State != e.State {
				recorded = append(recorded, event{
					Cluster: e.Cluster, Type: "services", Name: e.Name, PreviousState: was.State, State: e.State,
				})
			}
		}
		before = now
	}
	killed := 0
	for range 60 {
		toggle()
		p := m.start("instances", "heartbeat")
		time.AfterFunc(rand.N(2*usual), func() { p.cmd.Process.Kill() })
		if p.wait().code == -1 {
			killed++
		}
		note()
	}
	atOnce(t, m, 1)
	note()
	t.Logf("%d of 60 were killed, %d changes recorded", killed, len(recorded))
	if killed < 10 || len(recorded) < 10 {
		t.Error("that is too few")
	}
	wantSameEvents(t, recorded, m.log())
	if n := undelivered(t, m); n != 0 {
		t.Errorf("%d events have not reached the log", n)
	}
}

// TestSlowLookAfterAQuickOne has a heartbeat wait for something that hangs while
// another sees and records what changed meanwhile: what the slow one saw before that
// is not news when it ends.
func TestSlowLookAfterAQuickOne(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	c := doors(map[string]*door{"door": d})
	c.Modes["speaker"] = map[string]any{"tcp": map[string]any{"expect": "."}}
	c.Heartbeat["probe_timeout"] = "2s"
	demo := c.Clusters["demo"]
	demo.Services = append(demo.Services, service{Name: "hung", Mode: "speaker", IP: "127.0.0.1", Port: listen(t, "127.0.0.1")})
	m := newManager(t, c)
	m.heartbeat(3)
	_, err := d.l.Accept() // the first look's
	must(t, err)

	slow := m.start("-o", "json", "instances", "heartbeat")
	_, err = d.l.Accept()
	must(t, err)
	d.shut()
	wantEvents(t, m.heartbeat(3, "door").Events, shut)
	a := slow.wait().want(t, 3)
	wantEvents(t, parse(t, a.stdout).Events)
	if e := parse(t, a.stdout).service(t, "door"); e.State == "running" {
		t.Errorf("the slow look has the last word: %+v", e)
	}
	wantEvents(t, m.heartbeat(3).Events)
	wantEvents(t, m.log(), shut)
}

// TestInterrupted ends a heartbeat that waits for something that hangs: at once, and
// nothing of it is recorded.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	c := doors(map[string]*door{"door": d})
	m := newManager(t, c)
	m.heartbeat(0)
	_, err := d.l.Accept()
	must(t, err)
	record := read(t, m.record("demo"))
	c.Modes["gate"] = map[string]any{"tcp": map[string]any{"expect": "."}}
	m.configure()
	p := m.start("instances", "heartbeat")
	_, err = d.l.Accept() // it says nothing, and is waited for
	must(t, err)
	must(t, p.cmd.Process.Signal(syscall.SIGTERM))
	if a := p.wait().want(t, 130, "interrupted"); a.took > 3*time.Second {
		t.Errorf("it took %v to end", a.took)
	}
	if !bytes.Equal(record, read(t, m.record("demo"))) {
		t.Error("something was recorded")
	}
}
