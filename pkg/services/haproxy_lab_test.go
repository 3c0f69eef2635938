package services_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/secret"
	"github.com/clmgr/clmgr/pkg/services"
)

func (b *bench) startHAProxy(t *testing.T) {
	t.Helper()
	config := fmt.Sprintf(proxyConfig, b.m1.IP(), b.m2.IP(), b.m2.IP(), "c4nary-page")
	run(t, b.m3, "cat > /etc/haproxy/haproxy.cfg && systemctl start haproxy", config)
}

// tell gives m3's HAProxy a command, as its operator would.
func (b *bench) tell(t *testing.T, words string) {
	t.Helper()
	run(t, b.m3, "socat - /run/haproxy/admin.sock", words+"\n")
}

// balancer is m3's HAProxy, and ways are the ways to its statistics.
func (b *bench) balancer(stats services.Stats) services.Target {
	return services.Target{Name: "lb", Mode: "haproxy", Addr: at(b.m3, 0), Stats: stats}
}

func (b *bench) page() services.Target {
	return b.balancer(services.Stats{Path: "/stats", Port: 8404, User: "viewer", Password: secret.New("c4nary-page")})
}

func (b *bench) testHAProxy(t *testing.T) {
	t.Run("running", b.testBalancing)
	t.Run("drained", b.testDrained)
	t.Run("dead backend", b.testDeadBackend)
	t.Run("page", b.testStatsPage)
	t.Run("socket", b.testStatsSocket)
	t.Run("stands still", b.testBalancerStandsStill)
	t.Run("stopped", b.testBalancerStopped)
}

// allUp is the condition of an HAProxy that misses no server.
func allUp(seen services.Observation) bool {
	return running(seen) && seen.Facts["servers_up"] == int64(3)
}

func (b *bench) testBalancing(t *testing.T) {
	bySocket, byPage := b.balancer(services.Stats{}), b.page()
	for _, target := range []services.Target{bySocket, byPage} {
		seen := eventually(t, target, b.ssh(b.m3), "running with every server", allUp)
		if seen.Role != services.NA || seen.Silent {
			t.Errorf("got %+v", seen)
		}
		wantFacts(t, seen, map[string]any{
			"backends": int64(2), "servers_up": int64(3), "servers_down": int64(0),
			"servers_up[db]": int64(2), "servers_up[spare]": int64(1), "servers_down[db]": nil,
		})
	}
	seen := look(t, bySocket, b.ssh(b.m3), ample)
	if version, _ := seen.Facts["version"].(string); !strings.HasPrefix(version, "2.6.") {
		t.Errorf("version %q", version)
	}
	if _, ok := seen.Facts["uptime_seconds"].(int64); !ok {
		t.Errorf("uptime %#v", seen.Facts["uptime_seconds"])
	}
	wantSeen(t, look(t, byPage, direct(), ample), command.OK, "")
}

func (b *bench) testDrained(t *testing.T) {
	b.tell(t, "set server db/m1 state drain")
	for _, target := range []services.Target{b.balancer(services.Stats{}), b.page()} {
		seen := look(t, target, b.ssh(b.m3), ample)
		wantSeen(t, seen, command.OK, "")
		wantFacts(t, seen, map[string]any{"servers_drain": int64(1), "servers_drain[db]": int64(1), "servers_up[db]": int64(1)})
		if status, _ := seen.Facts["server[db/m1]"].(string); !strings.HasPrefix(status, "DRAIN") {
			t.Errorf("m1 is %q", status)
		}
	}
	b.tell(t, "set server db/m2 state maint")
	seen := look(t, b.balancer(services.Stats{}), b.ssh(b.m3), ample)
	wantSeen(t, seen, command.RemoteMonitorFailure, "no server is up in backend db (1 drain, 1 maint)")
	b.tell(t, "set server db/m1 state ready")
	b.tell(t, "set server db/m2 state ready")
	eventually(t, b.balancer(services.Stats{}), b.ssh(b.m3), "running again", allUp)
}

func (b *bench) testDeadBackend(t *testing.T) {
	run(t, b.m2, "systemctl stop mariadb", "")
	for _, target := range []services.Target{b.balancer(services.Stats{}), b.page()} {
		seen := eventually(t, target, b.ssh(b.m3), "failing", func(seen services.Observation) bool {
			return !running(seen) && seen.Facts["servers_down"] == int64(2)
		})
		wantSeen(t, seen, command.RemoteMonitorFailure, "no server is up in backend spare (1 down)")
		wantFacts(t, seen, map[string]any{"server[spare/m2]": "DOWN L4CON"})
	}
	run(t, b.m1, "systemctl stop mariadb", "")
	eventually(t, b.page(), direct(), "failing altogether", func(seen services.Observation) bool {
		return seen.Reason == "no server is up in 2 of 2 backends: db (2 down), spare (1 down)"
	})
	run(t, b.m1, "systemctl start mariadb", "")
	run(t, b.m2, "systemctl start mariadb", "")
	eventually(t, b.page(), direct(), "running again", allUp)
}

func (b *bench) testStatsPage(t *testing.T) {
	stranger := b.page()
	stranger.Stats.Password = secret.New("c4nary-other")
	wantSeen(t, look(t, stranger, direct(), ample), command.RemoteMonitorFailure, "status 401: the page does not accept the login")
	elsewhere := b.page()
	elsewhere.Stats.Path = "/elsewhere"
	wantSeen(t, look(t, elsewhere, direct(), ample), command.RemoteMonitorFailure, "status 503, not 200")
	elsewhere.Stats.Port = 1
	wantSeen(t, look(t, elsewhere, direct(), ample), command.DatabaseCommFailure, "connection refused")
	open := b.balancer(services.Stats{Path: "/stats;csv", Port: 8405})
	open.Addr = "127.0.0.1:0"
	wantSeen(t, look(t, open, b.ssh(b.m3), ample), command.OK, "")
}

func (b *bench) testStatsSocket(t *testing.T) {
	for path, reason := range map[string]string{
		"/run/nothing.sock":   "no such socket: /run/nothing.sock",
		"/etc/hostname":       "not a socket: /etc/hostname",
		"/run/haproxy":        "not a socket: /run/haproxy",
		"/run/it's not.sock":  "no such socket: /run/it's not.sock",
		"/run/closed.sock":    "connection refused: /run/closed.sock",
		"/run/dbus/$(x).sock": "no such socket: /run/dbus/$(x).sock",
	} {
		if path == "/run/closed.sock" { // what a killed server leaves
			run(t, b.m3, "timeout -s KILL 0.2 socat UNIX-LISTEN:/run/closed.sock - </dev/zero; test -S /run/closed.sock", "")
		}
		seen := look(t, b.balancer(services.Stats{Socket: path}), b.ssh(b.m3), ample)
		wantSeen(t, seen, command.DatabaseCommFailure, reason)
		if seen.Silent {
			t.Errorf("%s: the machine answered", path)
		}
	}
	b.user = "clmgr"
	seen := look(t, b.balancer(services.Stats{}), b.ssh(b.m3), ample)
	wantSeen(t, seen, command.DatabaseCommFailure, "permission denied for the SSH user: /run/haproxy/admin.sock")
	b.user = "root"
	seen = look(t, b.balancer(services.Stats{Socket: "/run/dbus/system_bus_socket"}), b.ssh(b.m3), ample)
	if seen.Code == command.OK || seen.Silent {
		t.Errorf("another server's socket: got %+v", seen)
	}
}

func (b *bench) testBalancerStandsStill(t *testing.T) {
	run(t, b.m3, "pkill -STOP haproxy", "")
	for _, target := range []services.Target{b.balancer(services.Stats{}), b.page()} {
		seen := look(t, target, b.ssh(b.m3), short)
		wantSeen(t, seen, command.DatabaseCommFailure, "connected, no answer within 300ms")
		if seen.Silent {
			t.Error("silent, though its machine answered")
		}
	}
	run(t, b.m3, "pkill -CONT haproxy", "")
	eventually(t, b.page(), direct(), "running again", allUp)
}

func (b *bench) testBalancerStopped(t *testing.T) {
	run(t, b.m3, "systemctl stop haproxy", "")
	seen := look(t, b.balancer(services.Stats{}), b.ssh(b.m3), ample)
	if wantSeen(t, seen, command.DatabaseCommFailure, "/run/haproxy/admin.sock"); seen.Silent {
		t.Errorf("got %+v", seen)
	}
	seen = look(t, b.page(), direct(), ample)
	if wantSeen(t, seen, command.DatabaseCommFailure, "connection refused"); seen.Silent {
		t.Errorf("got %+v", seen)
	}
	if err := b.m3.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen = look(t, b.balancer(services.Stats{}), b.ssh(b.m3), time.Second)
	if seen.Code != command.RemoteCommFailure || !seen.Silent {
		t.Errorf("without its machine: got %+v", seen)
	}
	if err := b.m3.PowerOn(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.m3.WaitSSH(t.Context()); err != nil {
		t.Fatal(err)
	}
}
