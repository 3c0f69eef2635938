package e2e_test

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clmgr/clmgr/internal/lab"
)

// slack is what a loaded machine may add to a time-out; the hung things one after the
// other would take many times longer, and each alone the long time-out.
const (
	slack = 4 * time.Second
	long  = "30s"
)

// hungThings cost their own time-out, all together, and nobody else's; and where they
// have no time-out worth the name, the heartbeat's deadline holds.
func hungThings(t *testing.T, s *site) {
	patient, hasty := s.sample(), s.sample() // about time-outs and about the deadline
	patient.StateDir, hasty.StateDir = memory(t), memory(t)
	hasty.Heartbeat = map[string]any{"deadline": "5s", "probe_timeout": long}
	hasty.SSH["timeout"] = long
	quiet := listen(t, s.HostIP().String())
	managers := map[*manager]time.Duration{newManager(t, patient): 4 * time.Second, newManager(t, hasty): 5 * time.Second}
	for m, bound := range managers {
		demo := m.Clusters["demo"]
		demo.Services = append(demo.Services, service{Name: "quiet", Mode: "sshd", IP: s.HostIP().String(), Port: quiet})
		m.Modes["sshd"] = map[string]any{"port": 22, "tcp": map[string]any{}}
		m.configure()
		m.heartbeat(0)
		m.Modes["sshd"] = s.sample().Modes["sshd"]
		demo.Instances = append(demo.Instances, instance{Name: "ghost", IP: s.unused()})
		m.configure()
		if bound == 4*time.Second {
			m.hasten("4s")
		}
	}
	s.hang(t)

	running := map[*manager]*process{}
	for m := range managers {
		running[m] = m.start("-o", "json", "instances", "heartbeat")
	}
	for m, bound := range managers {
		a := running[m].wait().want(t, 3)
		if a.took > bound+slack {
			t.Errorf("it took %v, the time-out is %v", a.took, bound)
		}
		d := parse(t, a.stdout)
		for _, name := range []string{"instances/m1", "instances/m2", "services/node10", "services/nosql1", "services/nosql4"} {
			if e := d.entry(t, "demo/"+name); e.State != "running" || e.Stale {
				t.Errorf("%s hangs too: %+v", name, e)
			}
		}
		if bound == 5*time.Second {
			wantCutOff(t, d)
		} else {
			wantTimedOut(t, d)
		}
	}
	for m := range managers {
		m.Heartbeat["deadline"] = "60s"
		m.hasten(long)
		if a := m.run("instances", "heartbeat", "nosql1").want(t, 0); a.took > slack {
			t.Errorf("looking at what does not hang took %v", a.took)
		}
	}
}

// memory is a folder in memory: a disk that others keep busy is not what is measured.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "clmgr-e2e-")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}

// listen accepts connections and says nothing. It returns its port.
func listen(t *testing.T, ip string) int {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

// hang makes one of every kind: a server and an sshd that are stopped, a machine that
// stands still, a way on which everything is lost.
func (s *site) hang(t *testing.T) {
	t.Helper()
	s.signal(t, "m2", "mariadbd", "STOP")
	s.signal(t, "m4", "sshd", "STOP")
	t.Cleanup(func() { must(t, s.Machine("m3").Thaw(context.Background())) })
	must(t, s.Machine("m3").Freeze(t.Context()))
	s.cut(t, lab.Cut{From: []string{lab.Host}, To: []string{"m5"}})
}

// wantTimedOut checks that each hung thing is told for what it is.
func wantTimedOut(t *testing.T, d document) {
	t.Helper()
	wantEvents(t, d.Events,
		"demo/instances/ghost: absent → unreachable",
		"demo/instances/m3: running → pending",
		"demo/instances/m4: running → pending",
		"demo/instances/m5: running → unreachable",
		"demo/services/node11: running → Database communication failure",
		"demo/services/nosql2: running → Memcache communication failure",
		"demo/services/sshd3: running → Database communication failure",
		"demo/services/boot3: running → Remote manager communication failure",
		"demo/services/nosql5: running → Memcache communication failure",
		"demo/services/quiet: running → Database communication failure",
	)
	for name, want := range map[string]struct{ ssh, reason string }{
		"instances/m3":    {"banner", "said nothing"},
		"instances/m4":    {"banner", "said nothing"},
		"services/node11": {"", "connected, no answer within 4s"},
		"services/quiet":  {"", "connected, no answer within 4s"},
		"services/nosql5": {"", "no answer within 4s"},
	} {
		e := d.entry(t, "demo/"+name)
		if e.SSH != want.ssh || !strings.Contains(e.Reason, want.reason) || e.Stale {
			t.Errorf("%s is %+v", name, e)
		}
	}
}

// wantCutOff checks that what the deadline cut off keeps the state it had.
func wantCutOff(t *testing.T, d document) {
	t.Helper()
	for _, e := range d.Events {
		// The network itself says after a while that nobody is there.
		if e.Name != "ghost" {
			t.Errorf("an event about what was not seen: %s", e)
		}
	}
	for _, name := range []string{
		"instances/m3", "instances/m4", "instances/m5",
		"services/node11", "services/nosql2", "services/sshd3", "services/boot3", "services/nosql5", "services/quiet",
	} {
		e := d.entry(t, "demo/"+name)
		if !e.Stale || e.State != "running" || e.Reason != "not seen before the heartbeat's deadline" {
			t.Errorf("%s is %+v", name, e)
		}
	}
}

// silentPorts drop what is sent to them, so that a dialer's time-out is all that ends
// a try. What the deadline cuts off is never told as failed, however often it does;
// and what was told once is told in the same words by the next look.
func silentPorts(t *testing.T, s *site) {
	m := newManager(t, s.sample().only("m5"))
	m.heartbeat(0)
	for _, port := range []uint16{22, 11211} {
		s.cut(t, lab.Cut{From: []string{lab.Host}, To: []string{"m5"}, Port: port})
	}
	m.Heartbeat["deadline"] = "300ms"
	m.configure()
	for range 8 {
		d := m.heartbeat(3)
		wantEvents(t, d.Events)
		for _, e := range []entry{d.instance(t, "m5"), d.service(t, "nosql5")} {
			if !e.Stale || e.State != "running" {
				t.Errorf("cut off by the deadline: %+v", e)
			}
		}
	}
	m.Heartbeat = map[string]any{"deadline": "10s", "probe_timeout": "300ms"}
	m.SSH["timeout"] = "300ms"
	m.configure()
	m.heartbeat(3)
	look := func() string { return m.run("-o", "json", "instances", "heartbeat").want(t, 3).stdout }
	for range 3 {
		first, second := unmoved(t, look, look)
		if diff := cmp.Diff(timeless(first), timeless(second)); diff != "" {
			t.Errorf("two looks at a silent machine (-first +second):\n%s", diff)
		}
	}
}
