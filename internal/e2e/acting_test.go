package e2e_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/clmgr/clmgr/internal/lab"
)

// acting is a region with three machines, for tests of what clmgr does by its queue.
// On m2 a memcached is started by nobody but clmgr; m1 and m3 stay on.
type acting struct{ *region }

// TestActing has clmgr do things on real machines. What switches m2 off and on goes
// one after the other; the rest goes beside it, each with services of its own.
func TestActing(t *testing.T) {
	t.Parallel()
	a := &acting{newRegion(t)}
	m := newManager(t, a.conf(t, "launcher"))
	m.run("instances", "launch", "all", "--wait").want(t, 0)
	a.prepare(t)
	for _, name := range []string{"m1", "m3"} {
		a.on(t, name, `printf '[Service]\nExecStart=/bin/sleep infinity\n' >/etc/systemd/system/seed@.service; systemctl daemon-reload`)
	}
	var lanes sync.WaitGroup
	for _, lane := range actingLanes() {
		lanes.Go(func() {
			for _, s := range lane {
				t.Run(s.name, func(t *testing.T) { s.run(t, a) })
			}
		})
	}
	lanes.Wait()
}

type actingScenario struct {
	name string
	run  func(*testing.T, *acting)
}

func actingLanes() [][]actingScenario {
	return [][]actingScenario{
		{
			{"a machine stopped behind clmgr's back, file store", storyOnFiles},
			{"a machine stopped behind clmgr's back, memcached", storyOnMemcached},
			{"a machine that was terminated", storyOfLaunch},
			{"a memcached that forgets while machines start", storyOnForgetful},
			{"two managers, one cut off", twoManagers},
		},
		{
			{"a memcached that forgets", forgetful},
		},
		{
			{"two heartbeats at the same instant act once", actOnce},
			{"a missed event", missedEvent},
			{"a step that hangs", hangingStep},
			{"a step that fails three times", flakyStep},
			{"a step that always fails", brokenStep},
			{"clmgr killed during a long step", killedDuringStep},
			{"the connection lost during a long step", lostDuringStep},
			{"a hold", holding},
			{"bad actions on standard input", badActions},
			{"a queue of a newer version", newerQueue},
			{"garbage in memcached", garbageInMemcached},
			{"a memcached that never answers", silentMemcached},
			{"doctor scripts", doctorScripts},
		},
	}
}

// prepare lets the memcached of a new m2 listen where it can be reached, and start
// with nothing but clmgr.
func (a *acting) prepare(t *testing.T) {
	t.Helper()
	a.on(t, "m2", "systemctl disable --quiet memcached; grep -q -- '-l "+a.net+"22' /etc/memcached.conf || echo '-l "+a.net+"22' >>/etc/memcached.conf")
}

// conf is a configuration of the three machines for one manager, with short leases.
func (a *acting) conf(t *testing.T, manager string, services ...service) conf {
	t.Helper()
	c := a.machines(t, "1ms")
	c.Manager = manager
	c.Actions = map[string]any{"lease": "2s", "time": "20s", "limit": "30s", "first_delay": "1s", "longest_delay": "2s"}
	c.Modes = map[string]any{"kept": map[string]any{"command": map[string]any{"run": "true"}}}
	demo := c.Clusters["demo"]
	demo.Instances = append(demo.Instances, instance{Name: "m3", IP: a.net + "23"})
	demo.Services = services
	return c
}

// beside is a configuration of one machine that stays on, for what goes beside m2
// being switched off.
func (a *acting) beside(t *testing.T, manager, machine string, services ...service) conf {
	t.Helper()
	return a.conf(t, manager, services...).only(machine)
}

// started adds a service that a command starts.
func (c *conf) started(name, machine, command string) {
	c.Modes["by-"+name] = map[string]any{"command": map[string]any{"run": "true"}, "start": command, "stop": "true"}
	demo := c.Clusters["demo"]
	demo.Services = append(demo.Services, service{Name: name, Mode: "by-" + name, Instance: machine})
}

func cache2() service { return service{Name: "cache2", Mode: "memcache", Instance: "m2"} }

// on executes a shell command on a machine and returns what it printed.
func (a *acting) on(t *testing.T, machine, command string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	out, _, err := a.machine(t, machine).Run(ctx, command, nil)
	must(t, err)
	return strings.TrimSpace(string(out))
}

// lines counts the lines of a file on a machine.
func (a *acting) lines(t *testing.T, machine, file string) int {
	t.Helper()
	out := a.on(t, machine, "cat "+file+" 2>/dev/null || true")
	if out == "" {
		return 0
	}
	return strings.Count(out, "\n") + 1
}

// starts is how often a unit was started since its machine booted, by the machine's journal.
func (a *acting) starts(t *testing.T, machine, unit string) int {
	t.Helper()
	out := a.on(t, machine, "journalctl --sync; journalctl -b -q --no-pager -o cat --output-fields=INVOCATION_ID UNIT="+unit+".service | sort -u")
	return len(strings.Fields(out))
}

// invocation is the unit's now.
func (a *acting) invocation(t *testing.T, machine, unit string) string {
	t.Helper()
	return a.on(t, machine, "systemctl show --property=InvocationID --value "+unit)
}

// cut parts machines until undo, or the end of the test.
func (a *acting) cut(t *testing.T, c lab.Cut) (undo func()) {
	t.Helper()
	l, err := lab.Open(a.Name())
	must(t, err)
	heal, err := l.Cut(t.Context(), c)
	must(t, err)
	t.Cleanup(func() { must(t, heal(context.Background())) })
	return func() { must(t, heal(t.Context())) }
}

// stopBehind stops m2 by the bare SDK.
func (a *acting) stopBehind(t *testing.T, m *manager) {
	t.Helper()
	list, _ := m.look("instances", "heartbeat", "--no-act")
	_, err := a.bare.StopInstances(t.Context(), &sdk.StopInstancesInput{InstanceIds: []string{list["m2"].ID}})
	must(t, err)
	eventually(t, "m2 stopped", func() bool { list, _ := m.look("instances", "status"); return list["m2"].Provider == "stopped" })
}

// ping tells whether the memcached of m2 answers.
func (a *acting) ping(t *testing.T) bool {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", a.net+"22:11211")
	if err != nil {
		return false
	}
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(time.Second)))
	_, err = conn.Write([]byte("version\r\n"))
	said := make([]byte, 8)
	if err == nil {
		_, err = conn.Read(said)
	}
	return err == nil && string(said) == "VERSION "
}
