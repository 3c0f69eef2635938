package e2e_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// badActions come among good ones: those are queued, the bad ones named.
func badActions(t *testing.T, a *acting) {
	c := a.beside(t, "inputs", "m1", service{Name: "good", Mode: "kept", Instance: "m1", Unit: "seed@good"})
	good := `{do_level: "services", do_action: "start", do_group: "good"}`
	for name, bad := range map[string]struct{ entries, word string }{
		"unknown level":   {`{do_level: "planets", do_action: "start", do_group: "good"}`, `no level "planets"`},
		"unknown verb":    {`{do_level: "services", do_action: "polish", do_group: "good"}`, `no action "polish"`},
		"unknown service": {`{do_level: "services", do_action: "start", do_group: "nowhere"}`, `no group "nowhere"`},
		"unknown state":   {`{do_level: "services", do_action: "stop", do_group: "good", event_type: "instances", event_ip: "10.0.0.1", event_state: "jolly"}`, `no event state "jolly"`},
		"unknown key":     {`{do_level: "services", do_action: "stop", do_group: "good", when: "later"}`, "when"},
		"no ip":           {`{do_level: "services", do_action: "stop", do_group: "good", event_type: "instances", event_ip: "there", event_state: "running"}`, `"there" is not an ip`},
		"after itself":    {`{do_level: "services", do_action: "stop", do_group: "good", after: ["#2"]}`, "comes after itself"},
		"no object":       {`"start"`, "entry 2"},
		"of a cycle": {`{do_level: "services", do_action: "stop", do_group: "good", after: ["#3"]},
			{do_level: "services", do_action: "restart", do_group: "good", after: ["#2"]}`, "comes after itself"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, c)
			m.t = t
			r := m.pipe("{actions: ["+good+", "+bad.entries+"]}").want(t, 2, "entry 2", bad.word)
			if list := readActions(t, r); len(list) != 1 || list[0].do() != "services:start:good" {
				t.Errorf("answered: %+v", list)
			}
			if list := m.actions(); len(list) != 1 || list[0].do() != "services:start:good" {
				t.Errorf("queued: %+v", list)
			}
		})
	}
	m := newManager(t, c)
	m.pipe(`{actions: {}}`).want(t, 2)
	m.pipe(`{actions: "all"}`).want(t, 2)
	m.run("actions", "add", "--do", "services:start").want(t, 2, "LEVEL:ACTION:GROUP")
	m.run("actions", "add", "--do", "services:start:good", "--when", "instances:running").want(t, 2, "KIND:IP:STATE")
	m.run("actions", "retry", "watcher-x.7").want(t, 1, "no such action")
	if list := m.actions("--state", "all"); len(list) != 0 {
		t.Errorf("queued: %+v", list)
	}
}

// newerQueue has a queue in the store that a later clmgr wrote: it is left alone, and
// what was seen is told all the same.
func newerQueue(t *testing.T, a *acting) {
	m := newManager(t, a.beside(t, "newer", "m1", service{Name: "newer", Mode: "kept", Instance: "m1", Unit: "seed@newer"}))
	m.run("hold", "newer", "--reason", "not yet").want(t, 0)
	file := filepath.Join(m.StateDir, "store", "actions.json")
	newer := bytes.Replace(read(t, file), []byte(`"version":1`), []byte(`"version":99`), 1)
	must(t, os.WriteFile(file, newer, 0o600))
	a.seesThough(t, m, "newer clmgr")
	if !bytes.Equal(read(t, file), newer) {
		t.Error("it was overwritten")
	}
}

// seesThough checks that a heartbeat says what is the matter with the store, and tells
// what it saw and what is held all the same.
func (a *acting) seesThough(t *testing.T, m *manager, words ...string) answer {
	t.Helper()
	r := m.run("-o", "json", "instances", "heartbeat").want(t, 1, words...)
	b := readBeat(t, r)
	if e := b.service(t, m.Clusters["demo"].Services[0].Name); e.State != "running" || e.Stale {
		t.Errorf("the service is %+v", e)
	}
	if len(b.Holds) != 1 {
		t.Errorf("holds: %+v", b.Holds)
	}
	return r
}

// garbageInMemcached has somebody else write where our documents are. What stands there
// is told, copied once and left.
func garbageInMemcached(t *testing.T, a *acting) {
	c := a.beside(t, "spoilt", "m1", service{Name: "spoilt", Mode: "kept", Instance: "m1", Unit: "seed@spoilt"})
	s := newMemcached(t, "127.0.0.1")
	c.shares(s)
	m := newManager(t, c)
	m.run("instances", "heartbeat").want(t, 0)
	m.run("hold", "spoilt", "--reason", "not yet").want(t, 0)
	spoilt := map[string]string{}
	var pointers []string // what they lead to is not read
	for _, key := range s.Keys() {
		garbage := "garbage at " + key
		s.Say(fmt.Sprintf("set %s 0 0 %d\r\n%s", key, len(garbage), garbage), "STORED")
		spoilt[key] = string(s.Get(key))
		if strings.Count(key, ":") == 2 {
			pointers = append(pointers, garbage)
		}
	}
	if len(spoilt) < 2 {
		t.Fatalf("there are only %v", spoilt)
	}
	aside := m.StateDir + "/aside/"
	for range 3 {
		a.seesThough(t, m, "corrupt", "copied to "+aside)
	}
	m.run("actions", "add", "--do", "services:start:spoilt").want(t, 1, "corrupt", "copied to "+aside)
	wantCopies(t, aside, pointers)
	for key, was := range spoilt {
		if now := string(s.Get(key)); now != was {
			t.Errorf("%s was overwritten: %q", key, now)
		}
	}
	// Whoever moves it away has everything back.
	s.Flush()
	m.settleHeld()
}

// wantCopies checks that of all that stands in a memcached this was copied, for the owner alone.
func wantCopies(t *testing.T, aside string, values []string) {
	t.Helper()
	files, err := filepath.Glob(aside + "*.item")
	must(t, err)
	var got []string
	for _, file := range files {
		info, err := os.Lstat(file)
		must(t, err)
		if got = append(got, string(read(t, file))); info.Mode() != 0o600 {
			t.Errorf("%s is %s", file, info.Mode())
		}
	}
	slices.Sort(got)
	slices.Sort(values)
	if !slices.Equal(got, values) {
		t.Errorf("copied are %q, want %q", got, values)
	}
}

// settleHeld runs heartbeats until all is well again but for the one hold.
func (m *manager) settleHeld() {
	m.t.Helper()
	m.until("the hold and what waits for it", func(b beat) bool { return len(b.Holds) == 1 && b.Queue.Waiting <= 1 })
}

// silentMemcached accepts connections and never answers.
func silentMemcached(t *testing.T, a *acting) {
	c := a.beside(t, "silent", "m1", service{Name: "silent", Mode: "kept", Instance: "m1", Unit: "seed@silent"})
	s := newMemcached(t, "127.0.0.1")
	c.shares(s)
	m := newManager(t, c)
	m.run("hold", "silent", "--reason", "not yet").want(t, 0)
	s.Kill()
	l, err := net.Listen("tcp", s.Address)
	must(t, err)
	defer l.Close()
	began := time.Now()
	a.seesThough(t, m, s.Address)
	took := time.Since(began)
	if took > 25*time.Second {
		t.Errorf("a heartbeat took %s", took)
	}
	t.Logf("a heartbeat took %s", took.Round(time.Second/10))
	m.run("services", "start", "silent").want(t, 5, "not yet")
}

// doctorScripts are given the events of a service that stops, and those that somebody
// else gives to clmgr.
func doctorScripts(t *testing.T, a *acting) {
	const unit = "seed@doctor"
	dir := t.TempDir()
	given := filepath.Join(dir, "given")
	script := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755))
		return path
	}
	c := a.beside(t, "doctor", "m1")
	c.Modes["looked"] = map[string]any{"command": map[string]any{"run": "systemctl is-active " + unit, "expect": "^active"}}
	c.Clusters["demo"].Services = []service{{Name: "patient", Mode: "looked", Instance: "m1", Unit: unit}}
	c.Doctor = map[string]any{"scripts": []string{script("treat", "cat >>"+given+"; echo treated by $CLMGR_MANAGER; exit 3")}, "timeout": "2s"}
	m := newManager(t, c)
	a.on(t, "m1", "systemctl start "+unit)
	m.heartbeat(0)
	a.on(t, "m1", "systemctl stop "+unit)
	d := m.heartbeat(3)
	log := m.log()
	if text := string(read(t, given)); !strings.HasPrefix(text, `{"events":[`) || !strings.Contains(text, "patient") {
		t.Errorf("the script was given %s", text)
	}
	wantRun(t, d.Events, "exit 3", "treated by doctor")
	wantRun(t, log, "exit 3", "treated by doctor")

	must(t, os.Remove(given))
	r := m.pipe(`{events: [{"cluster": "demo", "type": "services", "name": "patient", "state": "Remote command failed", "code": "ER0018"},
		{"type": "weather", "name": "x", "state": "rain"}]}`).want(t, 2, "event 2", "weather")
	if text := string(read(t, given)); !strings.Contains(text, "ER0018") || strings.Contains(text, "weather") {
		t.Errorf("the script was given %s", text)
	}
	wantRun(t, parse(t, r.stdout).Events, "exit 3", "treated by doctor")

	m.Doctor["scripts"] = []string{script("hang", "echo begun; sleep 600")}
	m.configure()
	a.on(t, "m1", "systemctl start "+unit)
	began := time.Now()
	d = m.heartbeat(0)
	if took := time.Since(began); took < 2*time.Second || took > 15*time.Second {
		t.Errorf("a script that hangs cost %s", took)
	}
	wantRun(t, d.Events, "over its time limit of 2s", "begun")
}

// wantRun checks that the events tell how a script's run ended, and what it said.
func wantRun(t *testing.T, events []event, state, said string) {
	t.Helper()
	for _, e := range events {
		if e.Type == "scripts" && e.State == state && strings.Contains(e.Reason, said) {
			return
		}
	}
	t.Errorf("no run ended with %q and said %q: %s", state, said, fmt.Sprint(events))
}
