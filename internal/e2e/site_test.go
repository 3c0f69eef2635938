package e2e_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

// site is the lab all scenarios share: the sample of lab.SetupSample on m1 to m3,
// and on m4 and m5 one memcached each, for faults that should spare the databases.
type site struct {
	*lab.Lab
	secret string // the file with the password of the database user clmgr
}

// TestOnMachines goes through the scenarios, one after the other.
func TestOnMachines(t *testing.T) {
	t.Parallel()
	s := &site{Lab: labtest.Up(t, lab.Databases(), "m1", "m2", "m3", "m4", "m5")}
	if _, err := s.SetupSample(t.Context(), t.Output()); err != nil {
		t.Fatal(err)
	}
	s.secret = filepath.Join(s.Dir(), "database-password")
	for _, name := range []string{"m4", "m5"} {
		s.on(t, name, fmt.Sprintf("echo '-l %s' >>/etc/memcached.conf", s.ip(name)))
		s.startMemcached(t, name)
	}
	for _, scenario := range scenarios() {
		s.calm(t)
		t.Run(scenario.name, func(t *testing.T) { scenario.run(t, s) })
	}
}

type scenario struct {
	name string
	run  func(*testing.T, *site)
}

func (s *site) ip(machine string) string { return s.Machine(machine).IP().String() }

// unused is an address of the lab's network that no machine has.
func (s *site) unused() string {
	four := s.HostIP().As4()
	four[3] = 199
	return netip.AddrFrom4(four).String()
}

// sample is the configuration of everything that runs.
func (s *site) sample() conf {
	c := &cluster{
		Database: map[string]any{"user": "clmgr", "password": map[string]any{"file": s.secret}},
		Services: []service{
			{Name: "node10", Mode: "mariadb", Instance: "m1", Role: "master"},
			{Name: "node11", Mode: "mariadb", Instance: "m2", Role: "slave"},
			{Name: "nosql1", Mode: "memcache", Instance: "m1"},
			{Name: "nosql2", Mode: "memcache", Instance: "m3"},
			{Name: "sshd3", Mode: "sshd", Instance: "m3"},
			{Name: "boot3", Mode: "boot", Instance: "m3"},
			{Name: "nosql4", Mode: "memcache", Instance: "m4"},
			{Name: "nosql5", Mode: "memcache", Instance: "m5"},
		},
	}
	for _, m := range s.Machines() {
		c.Instances = append(c.Instances, instance{Name: m.Name(), IP: m.IP().String()})
	}
	return conf{
		Heartbeat: map[string]any{"deadline": "10s", "probe_timeout": patience},
		SSH:       s.ssh(),
		Modes: map[string]any{
			"sshd": map[string]any{"port": 22, "tcp": map[string]any{"expect": `^SSH-2\.0-`}},
			"boot": map[string]any{"command": map[string]any{"run": "systemctl is-system-running", "expect": "^running"}},
		},
		Clusters: map[string]*cluster{"demo": c},
	}
}

func (s *site) ssh() map[string]any {
	return map[string]any{
		"user": "root", "keys": []string{s.KeyFile()}, "known_hosts": []string{s.KnownHosts()},
		"agent": false, "config_file": "none", "timeout": patience,
	}
}

// only leaves the named instances of the cluster demo and what runs on them.
func (c conf) only(machines ...string) conf {
	demo := *c.Clusters["demo"]
	demo.Instances = slices.DeleteFunc(slices.Clone(demo.Instances), func(i instance) bool {
		return !slices.Contains(machines, i.Name)
	})
	demo.Services = slices.DeleteFunc(slices.Clone(demo.Services), func(v service) bool {
		return !slices.Contains(machines, v.Instance)
	})
	c.Clusters = map[string]*cluster{"demo": &demo}
	return c
}

// calm waits until all is well: the scenario before has put back what it broke.
func (s *site) calm(t *testing.T) {
	t.Helper()
	m := newManager(t, s.sample())
	var a answer
	end := time.Now().Add(atLast)
	for a.code = -1; a.code != 0; {
		if time.Now().After(end) {
			t.Fatalf("not all is well, and what follows would fail: %s\n%s", gist(a.stdout), a.stderr)
		}
		time.Sleep(glance)
		a = m.run("services", "status")
	}
}

// on executes a shell command on a machine, as root and not through the network,
// and returns what it printed.
func (s *site) on(t *testing.T, machine, command string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	out, _, err := s.Machine(machine).Run(ctx, command, nil)
	must(t, err)
	return strings.TrimSpace(string(out))
}

// startMemcached starts it and waits until it listens, which systemd does not.
func (s *site) startMemcached(t *testing.T, machine string) {
	t.Helper()
	s.on(t, machine, "systemctl start memcached")
	eventually(t, "memcached on "+machine, func() bool {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(s.ip(machine), "11211"), time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

func (s *site) stopMemcached(t *testing.T, machine string) {
	t.Helper()
	s.on(t, machine, "systemctl stop memcached")
}

// sql executes statements on a machine's database, as its root.
func (s *site) sql(t *testing.T, machine, statements string) string {
	t.Helper()
	out, _, err := s.Machine(machine).Run(t.Context(), "mariadb --batch --skip-column-names", strings.NewReader(statements))
	must(t, err)
	return strings.TrimSpace(string(out))
}

// cut parts machines until undo, or the end of the test.
func (s *site) cut(t *testing.T, c lab.Cut) (undo func()) {
	t.Helper()
	heal, err := s.Cut(t.Context(), c)
	must(t, err)
	t.Cleanup(func() { must(t, heal(context.Background())) })
	return func() { must(t, heal(t.Context())) }
}

// signal stops or goes on with the processes of a name on a machine; at the end of
// the test they go on.
func (s *site) signal(t *testing.T, machine, name, signal string) {
	t.Helper()
	t.Cleanup(func() {
		_, _, err := s.Machine(machine).Run(context.Background(), "pkill -CONT "+name, nil)
		must(t, err)
	})
	s.on(t, machine, "pkill -"+signal+" "+name)
}

// powerOn starts machines and waits for all that starts with them.
func (s *site) powerOn(t *testing.T, machines ...string) {
	t.Helper()
	g, ctx := errgroup.WithContext(t.Context())
	for _, name := range machines {
		g.Go(func() error {
			m := s.Machine(name)
			if err := m.PowerOn(ctx); err != nil {
				return err
			}
			if err := m.WaitSSH(ctx); err != nil {
				return err
			}
			_, _, err := m.Run(ctx, "systemctl is-system-running --wait", nil)
			return err
		})
	}
	must(t, g.Wait())
}
