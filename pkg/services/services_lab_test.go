package services_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/secret"
	"github.com/clmgr/clmgr/pkg/services"
)

// ample is the time limit where an answer is expected.
const ample = 5 * time.Second

// TestRealServices probes real servers on real machines. The subtests share the
// machines and run in order; each leaves them as it found them, the last one switches
// them off.
func TestRealServices(t *testing.T) {
	b := newBench(t)
	t.Run("mariadb", b.testMariaDB)
	t.Run("memcache", b.testMemcache)
	t.Run("checks", b.testChecks)
	t.Run("lifecycle", b.testLifecycle)
	t.Run("no machine", b.testNoMachine)
}

// newBench boots the machines.
func newBench(t *testing.T) *bench {
	t.Helper()
	l := labtest.Up(t, lab.Databases(), "m1", "m2", "m3")
	b := &bench{lab: l, user: "root", m1: l.Machine("m1"), m2: l.Machine("m2"), m3: l.Machine("m3")}
	pool := remote.NewPool(remote.Options{})
	t.Cleanup(func() { pool.Close() })
	b.host = func(m *lab.Machine) *remote.Host {
		return pool.Host(&remote.Settings{
			User: b.user, Keys: []string{l.KeyFile()}, KnownHosts: []string{l.KnownHosts()}, Timeout: ample,
		}, remote.Machine{Name: m.Name(), IP: m.IP()})
	}
	b.ssh = func(m *lab.Machine) services.Reach {
		host := b.host(m)
		return services.Reach{Dial: host.Dial, DialThere: host.Dial, Run: host.Run}
	}
	return b
}

// bench is the set of machines: m1 has the primary, m2 its replica, m3 memcached.
type bench struct {
	lab        *lab.Lab
	user       string // who logs in
	m1, m2, m3 *lab.Machine
	host       func(*lab.Machine) *remote.Host
	ssh        func(*lab.Machine) services.Reach
}

// run executes a command on the machine; it must succeed.
func run(t *testing.T, m *lab.Machine, shell, stdin string) string {
	t.Helper()
	stdout, stderr, err := m.Run(t.Context(), shell, strings.NewReader(stdin))
	if err != nil {
		t.Fatalf("%s: %s: %v: %s", m.Name(), shell, err, stderr)
	}
	return string(stdout)
}

// at is a port of the machine.
func at(m *lab.Machine, port uint16) string { return fmt.Sprintf("%s:%d", m.IP(), port) }

// account is a target for the database of the machine.
func account(m *lab.Machine, mode, user, password string) services.Target {
	return services.Target{Name: m.Name(), Mode: mode, Addr: at(m, 3306), User: user, Password: secret.New(password)}
}

// eventually looks until the observation satisfies the condition.
func eventually(t *testing.T, target services.Target, reach services.Reach, what string, ok func(services.Observation) bool) services.Observation {
	t.Helper()
	var seen services.Observation
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		if seen = look(t, target, reach, ample); ok(seen) {
			return seen
		}
	}
	t.Fatalf("not %s: %+v", what, seen)
	return seen
}

// running is the condition of a service that does its job.
func running(seen services.Observation) bool { return seen.Code == command.OK && seen.Reason == "" }

// wantFacts compares some of the facts.
func wantFacts(t *testing.T, seen services.Observation, want map[string]any) {
	t.Helper()
	for name, value := range want {
		if seen.Facts[name] != value {
			t.Errorf("fact %s: got %#v, want %#v", name, seen.Facts[name], value)
		}
	}
}

// beforeQuery reaches the target and calls f in the moment before a query with these
// words goes out, and g right after.
func beforeQuery(words string, f, g func()) services.Reach {
	var d net.Dialer
	return services.Reach{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, addr)
		return &ambush{Conn: conn, words: []byte(words), before: f, after: g}, err
	}}
}

type ambush struct {
	net.Conn
	words         []byte
	before, after func()
}

func (a *ambush) Write(p []byte) (int, error) {
	if !bytes.Contains(p, a.words) {
		return a.Conn.Write(p)
	}
	a.before()
	defer a.after()
	return a.Conn.Write(p)
}

// testChecks probes what is described, against daemons that every machine has.
func (b *bench) testChecks(t *testing.T) {
	banner := &services.Check{TCP: &services.TCPCheck{Expect: `^SSH-2\.0-`}}
	sshd := services.Target{Addr: at(b.m3, 22), Check: banner}
	wantSeen(t, look(t, sshd, direct(), ample), command.OK, "")

	sshd.Check = &services.Check{HTTP: &services.HTTPCheck{}}
	wantSeen(t, look(t, sshd, direct(), ample), command.RemoteMonitorFailure, "malformed HTTP")

	for shell, c := range map[string]struct {
		code   command.Code
		reason string
	}{
		"systemctl is-active ssh":        {command.OK, ""},
		"systemctl is-active nothing-up": {command.RemoteCommandFailed, "exit code 3, not 0: inactive"},
		"echo active; sleep 60":          {command.RemoteCommandFailed, "no result within 1s"},
	} {
		check := &services.Check{Command: &services.CommandCheck{Run: shell, Expect: "^active"}}
		seen := look(t, services.Target{Check: check}, b.ssh(b.m3), time.Second)
		wantSeen(t, seen, c.code, c.reason)
		if seen.Silent {
			t.Errorf("%s: silent", shell)
		}
	}
}

// testNoMachine probes machines that are frozen, switched off, or never were.
func (b *bench) testNoMachine(t *testing.T) {
	check := services.Target{Addr: at(b.m3, 22), Check: &services.Check{TCP: &services.TCPCheck{Expect: "SSH"}}}
	shell := services.Target{Check: &services.Check{Command: &services.CommandCheck{Run: "true"}}}
	wantSeen(t, look(t, shell, b.ssh(b.m2), ample), command.OK, "")
	if err := b.m3.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := look(t, check, direct(), short)
	wantSeen(t, seen, command.DatabaseCommFailure, "connected, no answer within 300ms")
	if seen.Silent {
		t.Error("a frozen machine's kernel answers")
	}
	for _, m := range []*lab.Machine{b.m2, b.m3} {
		if err := m.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	off := account(b.m2, "mariadb", "clmgr", canary)
	black := off
	black.Addr = strings.TrimSuffix(at(b.m2, 3306), "12:3306") + "250:3306"
	for name, target := range map[string]services.Target{"off": off, "black hole": black, "checked": check} {
		seen := look(t, target, direct(), short)
		if seen.Code != command.DatabaseCommFailure || !seen.Silent {
			t.Errorf("%s: got %+v", name, seen)
		}
	}
	seen = look(t, shell, b.ssh(b.m2), time.Second)
	if seen.Code != command.RemoteCommFailure || !seen.Silent {
		t.Errorf("by SSH: got %+v", seen)
	}
	off.Addr = "127.0.0.1:3306"
	seen = look(t, off, b.ssh(b.m2), time.Second)
	if seen.Code != command.RemoteCommFailure || !seen.Silent {
		t.Errorf("through SSH: got %+v", seen)
	}
}

// connections opens so many connections and keeps them until the function it
// returns is called.
func connections(t *testing.T, addr string, count int) func() {
	t.Helper()
	var open []net.Conn
	for range count {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		open = append(open, conn)
	}
	return func() {
		for _, conn := range open {
			conn.Close()
		}
	}
}
