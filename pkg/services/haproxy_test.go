package services_test

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/secret"
	"github.com/clmgr/clmgr/pkg/services"
)

// statHead names the columns that a probe reads, among others and in another order.
const statHead = "# pxname,svname,status,weight,type,check_status,\n"

// haproxyInfo and haproxyStat are what a sound HAProxy says, shortened.
const (
	haproxyInfo = "Name: HAProxy\nVersion: 2.6.12\nUptime_sec: 7\nCurrConns: 3\n\n"
	haproxyStat = statHead + "db,FRONTEND,OPEN,,0,,\ndb,m1,UP,1,2,L4OK,\ndb,BACKEND,UP,1,1,,\nstats,BACKEND,UP,0,1,,\n\n"
)

// balancer is a target whose HAProxy is on a socket.
func balancer(socket string) services.Target {
	return services.Target{Name: "lb", Mode: "haproxy", Addr: "10.0.0.1:0", Stats: services.Stats{Socket: socket}}
}

func TestHAProxyStatus(t *testing.T) {
	for rows, want := range map[string]string{
		"":                         "",
		"db,m1,UP 1/3,1,2,L4OK,\n": "",
		"db,m1,no check,1,2,,\n":   "",
		"db,m1,DRAIN,1,2,,\ndb,m2,UP,1,2,L4OK,\n":       "",
		"db,m1,DOWN,1,2,L4CON,\n":                       "no server is up in backend db (1 down)",
		"db,m1,DOWN 1/2,1,2,L4CON,\ndb,m2,NOLB,1,2,,\n": "no server is up in backend db (1 down, 1 drain)",
		"db,m1,MAINT (via a/b),1,2,,\n":                 "no server is up in backend db (1 maint)",
		"db,m1,,1,2,,\n":                                "no server is up in backend db (1 down)",

		"a,m1,DOWN,1,2,,\nb,m1,UP,1,2,,\nc,m1,MAINT,1,2,,\na,m2,DRAIN 2/3,1,2,,\n": "no server is up in 2 of 3 backends: a (1 down, 1 drain), c (1 maint)",
		"\"a,b\",\"m\"\"1\",DOWN,1,2,,\n":                                          "no server is up in backend a,b (1 down)",
	} {
		addr := socketPeer(t, converseOnce(haproxyInfo+statHead+rows+"\n"))
		code := command.OK
		if want != "" {
			code = command.RemoteMonitorFailure
		}
		wantSeen(t, look(t, balancer(addr), direct(), ample), code, want)
	}
}

// converseOnce takes a question, gives the answer and hangs up.
func converseOnce(answer string) func(net.Conn) {
	return func(conn net.Conn) {
		conn.Read(make([]byte, 4096))
		conn.Write([]byte(answer))
	}
}

func TestHAProxyFacts(t *testing.T) {
	addr := socketPeer(t, converseOnce(haproxyInfo+statHead+"db,m1,UP,1,2,L4OK,\ndb,m2,DOWN,1,2,L4TOUT,\n\n"))
	seen := look(t, balancer(addr), direct(), ample)
	wantFacts(t, seen, map[string]any{
		"version": "2.6.12", "uptime_seconds": int64(7), "curr_connections": int64(3), "backends": int64(1),
		"servers_up": int64(1), "servers_down": int64(1), "servers_drain": int64(0), "servers_maint": int64(0),
		"servers_up[db]": int64(1), "servers_down[db]": int64(1), "server[db/m2]": "DOWN L4TOUT", "server[db/m1]": nil,
	})
}

func TestHostileStatsSocket(t *testing.T) {
	const (
		comm     = command.DatabaseCommFailure
		mismatch = command.RemoteMonitorFailure
	)
	for name, c := range map[string]struct {
		serve  func(net.Conn)
		code   command.Code
		reason string
	}{
		"sound":         {converseOnce(haproxyInfo + haproxyStat), command.OK, ""},
		"silent":        {hold, comm, "connected, no answer within 300ms"},
		"closes":        {converseOnce(""), comm, "connection closed by the server without an answer"},
		"garbage":       {converseOnce("SSH-2.0-OpenSSH\r\n" + canary), mismatch, `not HAProxy: answered "SSH-2.0-OpenSSH\r\nxxx"`},
		"refuses":       {converseOnce("Permission denied\n\n"), mismatch, `not HAProxy: answered "Permission denied\n\n"`},
		"half":          {says([]byte(haproxyInfo)), mismatch, "no complete answer within 300ms after"},
		"half, closed":  {converseOnce(haproxyInfo + statHead + "db,m1,UP"), mismatch, "in the middle of the answer"},
		"info alone":    {converseOnce(haproxyInfo), mismatch, "in the middle of the answer"},
		"no header":     {converseOnce(haproxyInfo + "\n\n"), mismatch, "not HAProxy's statistics: no header"},
		"other columns": {converseOnce(haproxyInfo + "# a,b\n\n"), mismatch, "not HAProxy's statistics: no column pxname"},
		"short line":    {converseOnce(haproxyInfo + statHead + "db,m1\n\n"), mismatch, "not HAProxy's statistics: a short line"},
		"bad quotes":    {converseOnce(haproxyInfo + statHead + "db,\"m1,UP,1,2,,\n\n"), mismatch, "not HAProxy's statistics: a malformed line"},
		"drips":         {drip(haproxyInfo), mismatch, "no complete answer within 300ms"},
		"floods":        {flood("A"), mismatch, "the answer is longer than 4 MiB and begins \"AAAA"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := balancer(socketPeer(t, c.serve))
			target.Password = secret.New(canary)
			seen := look(t, target, direct(), limit(name))
			if wantSeen(t, seen, c.code, c.reason); seen.Silent {
				t.Error("silent, though it accepted the connection")
			}
		})
	}
}

// limit is how long a peer has: a flood takes its time under the race detector.
func limit(name string) time.Duration {
	if name == "floods" {
		return ample
	}
	return short
}

func TestHostileStatsPage(t *testing.T) {
	ok := func(body string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	const mismatch = command.RemoteMonitorFailure
	for name, c := range map[string]struct {
		serve  func(net.Conn)
		code   command.Code
		reason string
	}{
		"sound":       {converseOnce(ok(haproxyStat)), command.OK, ""},
		"silent":      {hold, command.DatabaseCommFailure, "connected, no answer within 300ms"},
		"garbage":     {converseOnce("SSH-2.0-OpenSSH\r\n"), mismatch, "malformed HTTP"},
		"a web site":  {converseOnce(ok("<html>" + canary)), mismatch, `not HAProxy's statistics: no header: "<html>xxx"`},
		"echoes":      {echoLogin, mismatch, "not HAProxy's statistics"},
		"no login":    {converseOnce("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"), mismatch, "status 401"},
		"elsewhere":   {converseOnce("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"), mismatch, "status 302, not 200"},
		"half":        {says([]byte("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n# px")), mismatch, "no complete body within 300ms"},
		"broken off":  {converseOnce("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n# px"), mismatch, "body broke off"},
		"endless":     {flood("HTTP/1.1 200 OK\r\n\r\n"), mismatch, "not HAProxy's statistics"},
		"bad gateway": {converseOnce("HTTP/1.1 502 Bad Gateway\r\n\r\n"), mismatch, "status 502, not 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := netip.MustParseAddrPort(peer(t, c.serve))
			target := services.Target{Name: "lb", Mode: "haproxy", Addr: "127.0.0.1:0"}
			target.Stats = services.Stats{Path: "/stats", Port: addr.Port(), User: "viewer", Password: secret.New(canary)}
			seen := look(t, target, direct(), limit(strings.Replace(name, "endless", "floods", 1)))
			if wantSeen(t, seen, c.code, c.reason); seen.Silent {
				t.Error("silent, though it accepted the connection")
			}
			if strings.Contains(seen.Reason, "dmlld2VyO") { // the login as it is sent
				t.Errorf("the login is in it: %s", seen.Reason)
			}
		})
	}
}

// echoLogin answers with the login it was sent.
func echoLogin(conn net.Conn) {
	request := make([]byte, 4096)
	n, _ := conn.Read(request)
	_, login, _ := strings.Cut(string(request[:n]), "Basic ")
	login, _, _ = strings.Cut(login, "\r\n")
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(login), login)
}

func TestStatsPageWithoutPort(t *testing.T) {
	target := services.Target{Mode: "haproxy", Addr: "127.0.0.1:0", Stats: services.Stats{Path: "/stats"}}
	wantSeen(t, look(t, target, direct(), ample), command.BadConfig, "the stats page has no port")
}

func FuzzHAProxyAnswer(f *testing.F) {
	f.Add([]byte(haproxyInfo + haproxyStat))
	f.Add([]byte(haproxyInfo + statHead + "db,m1,DOWN 1/2,1,2,L4CON,\n\"x\",y,MAINT,,2,,\n\n"))
	f.Add([]byte("Version: \n\n# pxname,svname,status,type,check_status\n,,,2,\n\n"))
	f.Fuzz(func(t *testing.T, words []byte) {
		reach := script(words)
		reach.DialThere = reach.Dial
		seen := look(t, balancer("/s"), reach, 10*time.Second)
		switch seen.Code {
		case command.OK, command.RemoteMonitorFailure, command.DatabaseCommFailure:
		default:
			t.Errorf("got %+v", seen)
		}
		if up, _ := seen.Facts["servers_up"].(int64); seen.Code == command.OK && seen.Facts["backends"].(int64) > up {
			t.Errorf("a backend without a server up: %+v", seen)
		}
	})
}
