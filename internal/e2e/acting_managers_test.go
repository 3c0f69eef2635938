package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/clmgr/clmgr/internal/lab"
)

// remoteManager is a clmgr on a machine.
type remoteManager struct {
	t       *testing.T
	machine *lab.Machine
}

// manages puts clmgr onto a machine, with a configuration of its own.
func (a *acting) manages(t *testing.T, machine string, c conf) remoteManager {
	t.Helper()
	const dir = "/root/clmgr/"
	m := remoteManager{t, a.machine(t, machine)}
	e, _ := a.Endpoint()
	cloud := c.Clusters["demo"].Cloud
	cloud["endpoint"] = fmt.Sprintf("http://%s:%d", a.HostIP(), e.Port)
	cloud["password"] = map[string]any{"file": dir + "secret"}
	c.SSH["keys"], c.SSH["known_hosts"] = []string{dir + "key"}, []string{dir + "known_hosts"}
	c.Manager, c.StateDir = machine, dir+"state"
	text, err := yaml.Marshal(c)
	must(t, err)
	a.on(t, machine, "mkdir -p "+dir)
	must(t, m.machine.Write(t.Context(), dir+"clmgr.yaml", 0o600, bytes.NewReader(text)))
	must(t, m.machine.Write(t.Context(), dir+"secret", 0o600, strings.NewReader(e.Secret)))
	must(t, m.machine.Copy(t.Context(), a.KeyFile(), dir+"key"))
	must(t, m.machine.Copy(t.Context(), program(), dir+"clmgr"))
	return m
}

func (m remoteManager) run(args string) answer {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), longest)
	defer cancel()
	begun := time.Now()
	out, said, err := m.machine.Run(ctx, "GORACE=atexit_sleep_ms=0 /root/clmgr/clmgr -c /root/clmgr/clmgr.yaml -o json "+args, nil)
	a := answer{stdout: string(out), stderr: string(said), took: time.Since(begun)}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		a.code = exit.ExitCode()
	} else if err != nil {
		m.t.Error(err)
	}
	if strings.Contains(a.stderr, "DATA RACE") || strings.Contains(a.stderr, "panic:") {
		m.t.Error(a.stderr)
	}
	return a
}

// twoManagers share a memcached; the one that was asked is cut off from it while it
// starts the machine. The other goes on, and in the end both know the same.
func twoManagers(t *testing.T, a *acting) {
	s := newMemcached(t, a.HostIP().String())
	c := a.conf(t, "", cache2())
	c.shares(s)
	viewer := newManager(t, a.conf(t, "viewer", cache2()))
	first, second := a.manages(t, "m1", c), a.manages(t, "m3", c)
	port, err := strconv.ParseUint(s.Port(), 10, 16)
	must(t, err)

	for _, m := range []remoteManager{first, second} {
		if look := m.run("instances heartbeat"); look.code != 0 && look.code != 3 {
			t.Fatalf("exit code %d: %s", look.code, look.stderr)
		}
	}
	a.stopBehind(t, viewer)
	calls := a.api.Calls().Actions["StartInstances"]
	if d := parse(t, first.run("services start cache2").want(t, 4).stdout); d.Code != "ER0016" {
		t.Errorf("code %s", d.Code)
	}
	begun := make(chan answer, 1)
	go func() {
		a := first.run("instances heartbeat")
		for a.code == 3 && !strings.Contains(a.stdout, `"acted"`) { // the shared queue is new: nobody claims at once
			a = first.run("instances heartbeat")
		}
		begun <- a
	}()
	eventually(t, "the machine being started", func() bool { return a.api.Calls().Actions["StartInstances"] > calls })
	heal := a.cut(t, lab.Cut{From: []string{"m1"}, To: []string{lab.Host}, Port: uint16(port)})
	during := <-begun
	if during.code != 0 && during.code != 1 && during.code != 3 {
		t.Errorf("the one that was cut off ended with %d: %s", during.code, during.stderr)
	}
	settle(t, second)
	first.run("instances heartbeat").want(t, 1, s.Address)
	heal()
	both := make(chan answer, 2)
	for _, m := range []remoteManager{first, second} {
		go func() { both <- m.run("instances heartbeat") }()
	}
	for range 2 {
		(<-both).want(t, 0)
	}
	settle(t, first)
	a.running(t, viewer)
	for _, m := range []remoteManager{first, second} {
		list := readActions(t, m.run("actions list --state all").want(t, 0))
		if len(list) != 2 || list[0].State != "done" || list[1].State != "done" {
			t.Errorf("%s knows %+v", m.machine.Name(), list)
		}
	}
	if boots := a.on(t, "m2", "journalctl -b -q --no-pager -o cat UNIT=memcached.service MESSAGE_ID=39f53479d3a045ac8e11786248231fbf | wc -l"); boots != "1" {
		t.Errorf("memcached was started %s times", boots)
	}
}

// settle runs heartbeats of a manager until the queue is empty.
func settle(t *testing.T, m remoteManager) {
	t.Helper()
	end := time.Now().Add(atLast)
	for {
		a := m.run("instances heartbeat")
		if a.code != 0 && a.code != 3 {
			t.Fatalf("exit code %d: %s", a.code, a.stderr)
		}
		if readBeat(t, a).empty() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the queue of %s is never empty: %s", filepath.Base(m.machine.Name()), m.run("actions list").stdout)
		}
		time.Sleep(glance)
	}
}
