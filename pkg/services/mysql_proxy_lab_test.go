package services_test

import (
	"testing"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/services"
)

// proxyConfig makes an HAProxy in TCP mode stand in for mysql-proxy, which Debian no
// longer has: what a session through either meets is the same server.
const proxyConfig = `global
	stats socket /run/haproxy/admin.sock mode 660 level admin
defaults
	mode tcp
	timeout connect 1s
	timeout client 1m
	timeout server 1m
	option redispatch 1
listen db
	bind :4040
	server m1 %s:3306 check inter 100 fall 1 rise 1
	server m2 %s:3306 check inter 100 fall 1 rise 1 backup
listen spare
	bind :4041
	server m2 %s:3306 check inter 100 fall 1 rise 1
listen stats
	mode http
	bind :8404
	stats enable
	stats uri /stats
	stats auth viewer:%s
listen open
	mode http
	bind 127.0.0.1:8405
	stats enable
	stats uri /stats
`

// through is a target for the database behind the machine's proxy.
func through(m *lab.Machine, password string) services.Target {
	target := account(m, "mysql-proxy", "clmgr", password)
	target.Addr = at(m, services.Modes()["mysql-proxy"].Port)
	return target
}

func (b *bench) testMySQLProxy(t *testing.T) {
	proxy := through(b.m3, canary)
	wantSeen(t, look(t, proxy, direct(), ample), command.DatabaseCommFailure, "connection refused")
	b.startHAProxy(t)

	seen := eventually(t, proxy, direct(), "running", running)
	if seen.Role != services.NA || seen.Writable || seen.Silent {
		t.Errorf("got %+v", seen)
	}
	wantFacts(t, seen, map[string]any{"backend_hostname": "m1", "backend_server_id": int64(b.m1.IP().As4()[3])})
	wantSeen(t, look(t, proxy, b.ssh(b.m2), ample), command.OK, "")

	wrong := look(t, through(b.m3, "c4nary-wrong"), direct(), ample)
	wantSeen(t, wrong, command.SQLFailure, "access denied for user clmgr (password given)")

	run(t, b.m1, "systemctl stop mariadb", "")
	eventually(t, proxy, direct(), "answered by the other server", func(seen services.Observation) bool {
		return running(seen) && seen.Facts["backend_hostname"] == "m2"
	})
	run(t, b.m2, "systemctl stop mariadb", "")
	seen = look(t, proxy, direct(), ample)
	wantSeen(t, seen, command.DatabaseCommFailure, "without an answer")
	if seen.Silent {
		t.Error("the proxy's machine answered")
	}
	for _, m := range []*lab.Machine{b.m1, b.m2} {
		run(t, m, "systemctl start mariadb", "")
	}
	eventually(t, proxy, direct(), "running again", running)
}
