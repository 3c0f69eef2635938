package services_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/services"
)

func TestModes(t *testing.T) {
	modes := services.Modes()
	for name, want := range map[string]services.ModeInfo{
		"mariadb":     {Type: "db", Port: 3306, Roles: true, Unit: "mariadb", Several: true, Packages: []string{"mariadb-server", "mariadb-backup"}},
		"mysql":       {Type: "db", Port: 3306, Roles: true, Unit: "mysql"},
		"galera":      {Type: "db", Port: 3306, Roles: true, Unit: "mariadb"},
		"memcache":    {Type: "nosql", Port: 11211, Unit: "memcached", Packages: []string{"memcached"}},
		"mysql-proxy": {Type: "proxy", Port: 4040, Unit: "mysql-proxy"},
		"haproxy":     {Type: "lb", NoPort: true, Stats: true, Unit: "haproxy", Packages: []string{"haproxy"}},
		"keepalived":  {Type: "lb", NoPort: true, Roles: true, VIP: true, Unit: "keepalived", Packages: []string{"keepalived"}},
	} {
		if !reflect.DeepEqual(modes[name], want) {
			t.Errorf("%s: got %+v, want %+v", name, modes[name], want)
		}
	}
}

func TestBadDescriptions(t *testing.T) {
	tcp := services.TCPCheck{Expect: "("}
	for name, c := range map[string]struct {
		target services.Target
		reason string
	}{
		"unknown mode": {services.Target{Mode: "oracle"}, `mode "oracle" is not built in and has no check`},
		"no kind":      {services.Target{Check: &services.Check{}}, "a check is one of tcp, http and command"},
		"two kinds":    {services.Target{Check: &services.Check{TCP: &services.TCPCheck{}, HTTP: &services.HTTPCheck{}}}, "a check is one of"},
		"expression":   {services.Target{Check: &services.Check{TCP: &tcp}}, "cannot parse expect"},
		"TLS word":     {services.Target{Mode: "mysql", TLS: "maybe"}, `tls "maybe" is none of`},
		"path":         {services.Target{Check: &services.Check{HTTP: &services.HTTPCheck{Path: "health"}}}, `path "health" does not begin with /`},
		"method":       {services.Target{Check: &services.Check{HTTP: &services.HTTPCheck{Method: "G E T"}}}, "invalid method"},
	} {
		wantSeen(t, look(t, c.target, direct(), short), command.BadConfig, c.reason)
		if c.target.Check != nil && c.target.Check.HTTP == nil && c.target.Check.Compile() == nil {
			t.Errorf("%s: Compile says nothing", name)
		}
	}
}

func TestTCPCheck(t *testing.T) {
	echo := peer(t, func(conn net.Conn) { io.Copy(conn, conn) })
	for name, c := range map[string]services.TCPCheck{
		"connect": {}, "send": {Send: "x"}, "send and expect": {Send: "ping 42\n", Expect: `^ping \d+\n$`},
	} {
		check := &services.Check{TCP: &c}
		for range 2 { // not compiled, then compiled
			seen := look(t, services.Target{Addr: echo, Check: check}, direct(), 3*time.Second)
			wantSeen(t, seen, command.OK, "")
			if seen.Role != services.NA {
				t.Errorf("%s: role %q", name, seen.Role)
			}
			if err := check.Compile(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestNoConnection(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	failing := func(err error) services.Reach {
		return services.Reach{Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, fmt.Errorf("cannot reach m1: %w", err)
		}}
	}
	hanging := services.Reach{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	for name, c := range map[string]struct {
		reach  services.Reach
		reason string
		silent bool
	}{
		"refused":     {direct(), "connection refused", false},
		"neighbour":   {failing(&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}), "no answer within 300ms", true},
		"unreachable": {failing(syscall.ENETUNREACH), "network is unreachable", true},
		"timed out":   {failing(syscall.ETIMEDOUT), "no answer within 300ms", true},
		"hangs":       {hanging, "no answer within 300ms", true},
		"SSH silent":  {failing(told(true)), "cannot reach m1: told true", true},
		"SSH refuses": {failing(told(false)), "cannot reach m1: told false", false},
		"other":       {failing(errors.New("odd")), "cannot reach m1: odd", false},
	} {
		for _, mode := range []string{"mariadb", "mysql", "memcache", "tcp", "http"} {
			target := services.Target{Mode: mode, Addr: closed}
			code := command.DatabaseCommFailure
			switch mode {
			case "memcache":
				code = command.MemcacheCommFailure
			case "tcp":
				target.Check = &services.Check{TCP: &services.TCPCheck{}}
			case "http":
				target.Check = &services.Check{HTTP: &services.HTTPCheck{}}
			}
			if strings.HasPrefix(name, "SSH") {
				code = command.RemoteCommFailure
			}
			seen := look(t, target, c.reach, short)
			wantSeen(t, seen, code, c.reason)
			if seen.Silent != c.silent {
				t.Errorf("%s, %s: silent is %v", name, mode, seen.Silent)
			}
		}
	}
}

// told is an error that knows whether the far side was silent.
type told bool

func (s told) Error() string { return fmt.Sprintf("told %v", bool(s)) }
func (s told) Silent() bool  { return bool(s) }

func TestCancelledSawNothing(t *testing.T) {
	addr := peer(t, hold)
	ctx, cancel := context.WithCancel(context.Background())
	reach := services.Reach{Dial: func(context.Context, string, string) (net.Conn, error) {
		defer cancel()
		return (&net.Dialer{}).DialContext(context.Background(), "tcp", addr)
	}}
	seen := services.Probe(ctx, database(addr), reach)
	wantSeen(t, seen, command.Interrupted, "cancelled")
	if seen.Silent || seen.Role != services.Unknown {
		t.Errorf("got %+v", seen)
	}
}

func TestNoTimeLeftSawNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), -1)
	defer cancel()
	for mode := range services.Modes() {
		seen := services.Probe(ctx, services.Target{Mode: mode, Addr: "127.0.0.1:1"}, direct())
		wantSeen(t, seen, command.Interrupted, "no time left to look")
	}
}

func TestHTTPCheck(t *testing.T) {
	var requests int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		switch r.URL.Path {
		case "/":
			fmt.Fprintf(w, "fine, %s %s", r.Method, r.Host)
		case "/moved":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		case "/long":
			io.WriteString(w, strings.Repeat("x", 2<<20)+"end")
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // must not be used
	addr := server.Listener.Addr().String()
	for name, c := range map[string]struct {
		check  services.HTTPCheck
		code   command.Code
		reason string
	}{
		"default":       {services.HTTPCheck{}, command.OK, ""},
		"body":          {services.HTTPCheck{Expect: "^fine, GET " + addr + "$"}, command.OK, ""},
		"host, method":  {services.HTTPCheck{Method: "POST", Host: "db.example", Expect: "POST db.example"}, command.OK, ""},
		"head":          {services.HTTPCheck{Method: "HEAD", Path: "/?q=1"}, command.OK, ""},
		"no content":    {services.HTTPCheck{Path: "/empty", Status: 204}, command.OK, ""},
		"not found":     {services.HTTPCheck{Path: "/x"}, command.RemoteMonitorFailure, "status 404, not 2xx"},
		"found missing": {services.HTTPCheck{Path: "/x", Status: 404, Expect: "not found"}, command.OK, ""},
		"other status":  {services.HTTPCheck{Status: 201}, command.RemoteMonitorFailure, "status 200, not 201"},
		"redirect":      {services.HTTPCheck{Path: "/moved"}, command.RemoteMonitorFailure, "status 302, not 2xx"},
		"redirect ok":   {services.HTTPCheck{Path: "/moved", Status: 302}, command.OK, ""},
		"other body":    {services.HTTPCheck{Expect: "bad"}, command.RemoteMonitorFailure, `body does not match "bad": "fine, GET`},
		"beyond":        {services.HTTPCheck{Path: "/long", Expect: "end"}, command.RemoteMonitorFailure, "body does not match"},
	} {
		seen := look(t, services.Target{Addr: addr, Check: &services.Check{HTTP: &c.check}}, direct(), 3*time.Second)
		wantSeen(t, seen, c.code, c.reason)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	if requests != 12 {
		t.Errorf("%d requests for 12 probes", requests)
	}
}

func TestHTTPSCheckVerifies(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of clients that do not like its certificate
	server.StartTLS()
	defer server.Close()
	for host, c := range map[string]struct {
		code   command.Code
		reason string
	}{
		"":                 {command.OK, ""},
		"example.com":      {command.OK, ""},
		"example.com:8443": {command.OK, ""},
		"other.test":       {command.RemoteMonitorFailure, "not other.test"},
	} {
		check := &services.Check{HTTP: &services.HTTPCheck{TLS: true, Host: host, Status: 404}}
		target := services.Target{Addr: server.Listener.Addr().String(), Check: check}
		wantSeen(t, look(t, target, direct(), 3*time.Second), c.code, c.reason)
	}
}

func TestCommandCheck(t *testing.T) {
	for name, c := range map[string]struct {
		check  services.CommandCheck
		out    remote.Output
		err    error
		code   command.Code
		reason string
		silent bool
	}{
		"fine":      {services.CommandCheck{Expect: "^active$"}, remote.Output{Stdout: []byte("active")}, nil, command.OK, "", false},
		"exit":      {services.CommandCheck{}, remote.Output{Exit: 3, Stderr: []byte("one\ntwo\n")}, nil, command.RemoteCommandFailed, "exit code 3, not 0: two", false},
		"exit, out": {services.CommandCheck{}, remote.Output{Exit: 3, Stdout: []byte("inactive\n")}, nil, command.RemoteCommandFailed, "exit code 3, not 0: inactive", false},
		"exit 3":    {services.CommandCheck{Exit: 3}, remote.Output{Exit: 3}, nil, command.OK, "", false},
		"output":    {services.CommandCheck{Expect: "^ok"}, remote.Output{Stdout: []byte("not ok")}, nil, command.RemoteCommandFailed, `output does not match "^ok": "not ok"`, false},
		"refused":   {services.CommandCheck{}, remote.Output{}, told(false), command.RemoteCommFailure, "told false", false},
		"silent":    {services.CommandCheck{}, remote.Output{}, told(true), command.RemoteCommFailure, "told true", true},
		"signal":    {services.CommandCheck{}, remote.Output{}, errors.New("killed by signal KILL"), command.RemoteCommandFailed, "killed by signal KILL", false},
	} {
		reach := services.Reach{Run: func(context.Context, string, io.Reader) (remote.Output, error) { return c.out, c.err }}
		seen := look(t, services.Target{Check: &services.Check{Command: &c.check}}, reach, short)
		wantSeen(t, seen, c.code, c.reason)
		if seen.Silent != c.silent {
			t.Errorf("%s: silent is %v", name, seen.Silent)
		}
	}
}
