package services_test

import (
	"context"
	"errors"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/secret"
	"github.com/clmgr/clmgr/pkg/services"
)

// short is the time limit for far sides that never answer.
const short = 300 * time.Millisecond

func TestHostilePeers(t *testing.T) {
	greeting := mysqlGreeting("10.11.19-MariaDB")
	mariadb, mysql, memcache := services.Target{Mode: "mariadb"}, services.Target{Mode: "mysql"}, services.Target{Mode: "memcache"}
	tcp := services.Target{Check: &services.Check{TCP: &services.TCPCheck{Send: "PING\r\n", Expect: `\+PONG`}}}
	http := services.Target{Check: &services.Check{HTTP: &services.HTTPCheck{Expect: "fine"}}}
	https := services.Target{Check: &services.Check{HTTP: &services.HTTPCheck{TLS: true}}}
	const (
		comm     = command.DatabaseCommFailure
		mem      = command.MemcacheCommFailure
		mismatch = command.RemoteMonitorFailure
	)
	for name, c := range map[string]struct {
		target services.Target
		serve  func(net.Conn)
		code   command.Code
		reason string
	}{
		"mariadb silent":       {mariadb, hold, comm, "connected, no answer within 300ms"},
		"mariadb closes":       {mariadb, func(net.Conn) {}, comm, "connection closed by the server without an answer"},
		"mariadb resets":       {mariadb, slam, comm, "connection reset by peer"},
		"mariadb garbage":      {mariadb, says([]byte("SSH-2.0-OpenSSH_9.2p1\r\n")), comm, `not a MySQL server: sent "SSH-2.0-OpenSSH_9.2p1\r\n"`},
		"mariadb other":        {mariadb, says(packet(0, []byte("\x09"+canary+canary))), comm, `not a MySQL server: sent "\txxxxxx"`},
		"mariadb half packet":  {mariadb, says(greeting[:30]), comm, "connected, no complete answer within 300ms during login"},
		"mariadb half, closed": {mariadb, func(c net.Conn) { c.Write(greeting[:30]) }, comm, "connection closed by the server during login"},
		"mariadb greets only":  {mariadb, says(greeting), comm, "connected, no complete answer within 300ms during login"},
		"mariadb drips":        {mariadb, drip(string(greeting)), comm, "connected, no complete answer within 300ms during login"},
		"mariadb floods":       {mariadb, flood(canary), comm, `not a MySQL server: sent "xxx`},
		"mariadb floods zeros": {mariadb, flood("\x00"), comm, "not a MySQL server"},
		"mysql silent":         {mysql, hold, comm, "connected, no answer within 300ms"},
		"mysql floods":         {mysql, flood("A"), comm, "not a MySQL server"},
		"memcache silent":      {memcache, hold, mem, "connected, no answer within 300ms"},
		"memcache closes":      {memcache, func(net.Conn) {}, mem, "without an answer"},
		"memcache garbage":     {memcache, says(greeting), mem, "answered "},
		"memcache error":       {memcache, says([]byte("ERROR Too many open connections\r\n")), mem, `answered "ERROR Too many open connections" to version`},
		"memcache half":        {memcache, says([]byte("VERSION 1.6")), mem, "connected, no complete answer to version within 300ms"},
		"memcache no CR":       {memcache, says([]byte("VERSION 1.6\n")), mem, `answered "VERSION 1.6\n" to version`},
		"memcache no stats":    {memcache, says([]byte("VERSION 1.6.18\r\nSTAT pid 1\r\n")), mem, "connected, no complete answer to stats within 300ms"},
		"memcache bad stats":   {memcache, says([]byte("VERSION 1.6.18\r\nSTAT bytes many\r\n")), mem, `answered "STAT bytes many" to stats`},
		"memcache floods":      {memcache, flood("A"), mem, "answered \"AAAA"},
		"memcache more stats":  {memcache, flood("VERSION 1\r\nSTAT a b\r\n"), mem, `answered "VERSION 1" to stats`},
		"memcache drips":       {memcache, drip("VERSION 1.6.18\r\n"), mem, "connected, no complete answer to version within 300ms"},
		"memcache proxy":       {memcache, says([]byte("VERSION 1.6.18\r\nERROR\r\n")), command.OK, ""},
		"tcp silent":           {tcp, hold, comm, "connected, no answer within 300ms"},
		"tcp closes":           {tcp, func(net.Conn) {}, comm, "without an answer"},
		"tcp other":            {tcp, says([]byte("-ERR no\r\n")), mismatch, `no match for "\\+PONG": no answer within 300ms after "-ERR no\r\n"`},
		"tcp other, closed":    {tcp, func(c net.Conn) { c.Write([]byte("-ERR\r\n")); hold(&halfClosed{c}) }, mismatch, "after \"-ERR\\r\\n\""},
		"tcp drips":            {tcp, drip("A"), mismatch, "no match"},
		"tcp floods":           {tcp, flood(canary), mismatch, "in the first 64 KiB, which begin \"xxx"},
		"tcp in pieces":        {tcp, says([]byte("+PO"), []byte("NG")), command.OK, ""},
		"http silent":          {http, hold, comm, "connected, no answer within 300ms"},
		"http closes":          {http, func(net.Conn) {}, comm, "without an answer"},
		"http garbage":         {http, says([]byte("SSH-2.0-OpenSSH_9.2p1\r\n")), mismatch, "malformed HTTP"},
		"http half":            {http, says([]byte("HTTP/1.1 200 OK\r\nContent-Le")), mismatch, "no complete answer within 300ms"},
		"http half body":       {http, says([]byte("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nha")), mismatch, "no complete body within 300ms"},
		"http floods":          {http, flood("A"), mismatch, "headers longer than 64 KiB"},
		"http flood of 100s":   {http, flood("HTTP/1.1 100 Continue\r\n\r\n"), mismatch, "interim answers only"},
		"http endless body":    {http, flood("HTTP/1.1 200 OK\r\n\r\n"), mismatch, "body does not match"},
		"http drips":           {http, drip("HTTP/1.1 200 OK\r\n"), mismatch, "no complete answer within 300ms"},
		"https silent":         {https, hold, comm, "connected, no answer within 300ms"},
		"https plain":          {https, says([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")), mismatch, "no TLS connection"},
		"https floods":         {https, flood("A"), mismatch, "no TLS connection"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := c.target
			target.Addr, target.User, target.Password = peer(t, c.serve), "clmgr", secret.New(canary)
			seen := look(t, target, direct(), short)
			wantSeen(t, seen, c.code, c.reason)
			if seen.Silent {
				t.Error("silent, though it accepted the connection")
			}
		})
	}
}

// halfClosed says goodbye before it goes on reading.
type halfClosed struct{ net.Conn }

func (h *halfClosed) Read(p []byte) (int, error) {
	h.Conn.(*net.TCPConn).CloseWrite()
	return h.Conn.Read(p)
}

func TestHostileDatabaseAfterLogin(t *testing.T) {
	one := mysqlRows([]string{"one", "version", "read_only"}, []string{"1", "10.11.19-MariaDB", "0"})
	noRows := mysqlRows([]string{"Variable_name", "Value"})
	const foul = "sent a malformed answer"
	for name, c := range map[string]struct {
		words  [][]byte
		code   command.Code
		reason string
	}{
		"sound":            {[][]byte{one, noRows, mysqlRows([]string{"Master_Host"})}, command.OK, ""},
		"no rows":          {[][]byte{mysqlRows([]string{"one"})}, command.DatabaseCommFailure, "the answer is not 1"},
		"not 1":            {[][]byte{mysqlRows([]string{"one"}, []string{"2"})}, command.DatabaseCommFailure, "the answer is not 1"},
		"says nothing":     {nil, command.DatabaseCommFailure, "no complete answer within 300ms during SELECT 1"},
		"says nothing on":  {[][]byte{one, noRows}, command.DatabaseCommFailure, "no complete answer within 300ms during SHOW ALL SLAVES STATUS"},
		"refuses":          {[][]byte{mysqlError(1, 1290, "not\nnow, "+canary)}, command.SQLFailure, "SELECT 1 failed: Error 1290 (HY000): not now, xxx"},
		"short error":      {[][]byte{packet(1, []byte{0xff, 1})}, command.DatabaseCommFailure, "sent a malformed error"},
		"wide count":       {[][]byte{packet(1, []byte("\xfe\x00\x00\x00\x00\x40\x00\x00\x00"))}, command.DatabaseCommFailure, foul},
		"asks for a file":  {[][]byte{packet(1, []byte("\xfb/etc/passwd"))}, command.DatabaseCommFailure, foul},
		"short column":     {[][]byte{append(packet(1, []byte{1}), packet(2, []byte{3})...)}, command.DatabaseCommFailure, "during SELECT 1"},
		"column broken":    {[][]byte{append(packet(1, []byte{1}), packet(2, []byte("\x03def\x00\x00\x00\x00\x00"))...)}, command.DatabaseCommFailure, foul},
		"empty packet":     {[][]byte{packet(1, nil)}, command.DatabaseCommFailure, "sent an empty packet"},
		"great packet":     {[][]byte{{0xff, 0xff, 0xff, 1}}, command.DatabaseCommFailure, "sent a packet of 16777215 bytes"},
		"wrong sequence":   {[][]byte{packet(7, []byte{1})}, command.DatabaseCommFailure, "out of sync"},
		"replication hid":  {[][]byte{one, noRows, mysqlError(1, 1227, "no")}, command.OK, "needs the SLAVE MONITOR privilege"},
		"secret channel":   {[][]byte{one, noRows, mysqlRows([]string{"Source_Host", "Channel_Name"}, []string{"10.0.0.1", canary})}, command.SQLFailure, "replication channel xxx IO thread not connected"},
		"replication odd":  {[][]byte{one, noRows, mysqlError(1, 1064, "no such words")}, command.OK, "replication state not visible: Error 1064 (HY000): no such words"},
		"older server":     {[][]byte{mysqlError(1, 1193, "Unknown system variable"), one, noRows, mysqlRows([]string{"x"})}, command.OK, ""},
		"counters refused": {[][]byte{one, mysqlError(1, 1, "no"), mysqlRows([]string{"x"})}, command.OK, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := peer(t, converse(append([][]byte{mysqlLoggedIn()}, c.words...)))
			wantSeen(t, look(t, database(addr), direct(), short), c.code, c.reason)
		})
	}
}

// converse says one thing after another: the first at once, each other when asked.
func converse(words [][]byte) func(net.Conn) {
	return func(conn net.Conn) {
		conn.Write(words[0])
		readPacket(conn) // the login
		for _, w := range words[1:] {
			readPacket(conn)
			conn.Write(w)
		}
		hold(conn)
	}
}

func TestDatabaseWithoutEndOfRows(t *testing.T) {
	addr := peer(t, func(conn net.Conn) {
		conn.Write(mysqlLoggedIn())
		head := mysqlRows([]string{"one"})
		conn.Write(head[:len(head)-11])
		for sequence := byte(3); ; sequence++ {
			if _, err := conn.Write(packet(sequence, append([]byte{0xfc, 0x60, 0xea}, make([]byte, 60000)...))); err != nil {
				return
			}
		}
	})
	seen := look(t, database(addr), direct(), 5*time.Second)
	if seen.Code != command.DatabaseCommFailure {
		t.Errorf("got %s %q", seen.Code, seen.Reason)
	}
}

// stubborn ignores every deadline.
type stubborn struct{ net.Conn }

func (stubborn) SetDeadline(time.Time) error      { return errors.New("no deadlines here") }
func (stubborn) SetReadDeadline(time.Time) error  { return errors.New("no deadlines here") }
func (stubborn) SetWriteDeadline(time.Time) error { return errors.New("no deadlines here") }

func TestConnectionWithoutDeadlines(t *testing.T) {
	addr := peer(t, hold)
	var d net.Dialer
	reach := services.Reach{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, addr)
		return stubborn{conn}, err
	}}
	for mode, info := range services.Modes() {
		if info.NoPort {
			continue
		}
		seen := look(t, services.Target{Mode: mode, Addr: addr}, reach, short)
		if want := "connected, no answer within 300ms"; seen.Reason != want {
			t.Errorf("%s: got %q, want %q", mode, seen.Reason, want)
		}
	}
}

func TestNothingIsLeftRunning(t *testing.T) {
	greeting := mysqlGreeting("8.4.0")
	addresses := []string{
		peer(t, hold), peer(t, flood("A")), peer(t, says(mysqlLoggedIn())),
		peer(t, says(greeting[:40])), peer(t, says(greeting, packet(2, []byte{0, 0}))),
		peer(t, says(greeting, packet(2, []byte("\xfemysql_native_password\x00short\x00")))),
		peer(t, says(mysqlLoggedIn(), packet(1, []byte{1}), packet(2, []byte("\x03def\x00\x00\x00\x00\x00")))),
	}
	before := runtime.NumGoroutine()
	for range 3 {
		for mode := range services.Modes() {
			for _, addr := range addresses {
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
				services.Probe(ctx, services.Target{Mode: mode, Addr: addr}, direct())
				cancel()
			}
		}
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if now := runtime.NumGoroutine(); now > before {
		t.Errorf("%d goroutines before, %d after", before, now)
	}
}
