package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os/exec"
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

// beside is a configuration without m2, for what goes beside that being switched off.
func (a *acting) beside(t *testing.T, manager string, services ...service) conf {
	t.Helper()
	return a.conf(t, manager, services...).only("m1", "m3")
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

// queued is an action as it is told.
type queued struct {
	ID       string `json:"id"`
	Level    string `json:"do_level"`
	Action   string `json:"do_action"`
	Group    string `json:"do_group"`
	State    string `json:"state"`
	Why      string `json:"why"`
	Reason   string `json:"reason"`
	Progress struct {
		Failure *struct {
			Error string `json:"error"`
			Times int    `json:"times"`
		} `json:"failure"`
	} `json:"progress"`
}

func (q queued) do() string { return q.Level + ":" + q.Action + ":" + q.Group }

// acted is one thing that a heartbeat did.
type acted struct {
	Do     string `json:"do"`
	ID     string `json:"id"`
	Move   string `json:"move"`
	Reason string `json:"reason"`
	State  string `json:"state"`
}

// beat is what a heartbeat told of the queue.
type beat struct {
	document
	Acted []acted `json:"acted"`
	Holds []struct {
		Group  string `json:"group"`
		Reason string `json:"reason"`
	} `json:"holds"`
	Queue struct {
		Failed  int `json:"failed"`
		Running int `json:"running"`
		Waiting int `json:"waiting"`
	} `json:"queue"`
}

func (b beat) empty() bool { return b.Queue.Failed+b.Queue.Running+b.Queue.Waiting == 0 }

// moves returns what a move was made with, in its order.
func (b beat) moves(move string) []string {
	var out []string
	for _, a := range b.Acted {
		if a.Move == move {
			out = append(out, a.Do)
		}
	}
	return out
}

func readBeat(t *testing.T, a answer) beat {
	t.Helper()
	var b beat
	if err := json.Unmarshal([]byte(a.stdout), &b); err != nil {
		t.Fatalf("exit code %d: %v in %s\n%s", a.code, err, a.stdout, a.stderr)
	}
	return b
}

// beat runs a heartbeat, which may find something not running.
func (m *manager) beat() beat {
	m.t.Helper()
	a := m.run("-o", "json", "instances", "heartbeat")
	if a.code != 0 && a.code != 3 {
		m.t.Fatalf("exit code %d\n%s\n%s", a.code, gist(a.stdout), a.stderr)
	}
	return readBeat(m.t, a)
}

// settle runs heartbeats until the queue is empty, and returns all that they did.
func (m *manager) settle() []acted {
	m.t.Helper()
	return m.until("the queue empty", beat.empty)
}

// until runs heartbeats until yes, for a minute, and returns all that they did.
func (m *manager) until(what string, yes func(beat) bool) []acted {
	m.t.Helper()
	var all []acted
	end := time.Now().Add(time.Minute)
	for {
		b := m.beat()
		all = append(all, b.Acted...)
		if yes(b) {
			return all
		}
		if time.Now().After(end) {
			m.t.Fatalf("never seen: %s\n%s\n%s\n%+v", what, m.run("-o", "table", "actions", "list").stdout, gist(fmt.Sprint(b.Code, b.Reason)), all)
		}
	}
}

// actions lists actions.
func (m *manager) actions(args ...string) []queued {
	m.t.Helper()
	return readActions(m.t, m.run(append([]string{"-o", "json", "actions", "list"}, args...)...).want(m.t, 0))
}

func readActions(t *testing.T, a answer) []queued {
	t.Helper()
	var doc struct {
		Actions []queued `json:"actions"`
	}
	if err := json.Unmarshal([]byte(a.stdout), &doc); err != nil {
		t.Fatalf("exit code %d: %v in %s\n%s", a.code, err, a.stdout, a.stderr)
	}
	return doc.Actions
}

// memcached is one on this host, for managers to share.
type memcached struct {
	t       *testing.T
	address string
	cmd     *exec.Cmd
}

// newMemcached starts one at an address of this host; it ends with the test.
func newMemcached(t *testing.T, ip string) *memcached {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	must(t, err)
	s := &memcached{t: t, address: l.Addr().String()}
	must(t, l.Close())
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *memcached) url() string { return "memcached://" + s.address + "/clmgr" }

func (s *memcached) port() string {
	_, port, _ := net.SplitHostPort(s.address)
	return port
}

func (s *memcached) start() {
	host, port, err := net.SplitHostPort(s.address)
	if err != nil {
		s.t.Error(err)
		return
	}
	s.cmd = exec.Command("memcached", "-u", "nobody", "-l", host, "-p", port, "-m", "16")
	if err := s.cmd.Start(); err != nil {
		s.t.Error(err)
		return
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if conn, err := net.Dial("tcp", s.address); err == nil {
			conn.Close()
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Errorf("memcached does not listen at %s", s.address)
}

// kill ends it at once, and with it all it knew.
func (s *memcached) kill() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	var exit *exec.ExitError
	if err := s.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		s.t.Error(err)
	}
	s.cmd = nil
}

// say sends text and returns the answer up to its last line, end.
func (s *memcached) say(text, end string) string {
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Error(err)
		return ""
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, err = conn.Write([]byte(text))
	var said []byte
	for some := make([]byte, 1<<16); err == nil && !strings.HasSuffix(string(said), end+"\r\n"); {
		var n int
		n, err = conn.Read(some)
		said = append(said, some[:n]...)
	}
	if err != nil {
		s.t.Errorf("memcached: %v after %q", err, said)
	}
	return string(said)
}

func (s *memcached) flush() { s.say("flush_all\r\n", "OK") }

// keys are all keys it holds.
func (s *memcached) keys() []string {
	var out []string
	for line := range strings.Lines(s.say("lru_crawler metadump all\r\n", "END")) {
		if rest, ok := strings.CutPrefix(line, "key="); ok {
			coded, _, _ := strings.Cut(rest, " ")
			key, err := url.PathUnescape(coded)
			must(s.t, err)
			out = append(out, key)
		}
	}
	return out
}

// get returns an item as it is answered.
func (s *memcached) get(key string) string { return s.say("get "+key+"\r\n", "END") }

// shares lets a manager use it as its store.
func (c *conf) shares(s *memcached) {
	c.Store, c.StoreKey = s.url(), "a key that signs what managers share"
}
