package services_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/secret"
	"github.com/clmgr/clmgr/pkg/services"
)

// canary is the password that must be found nowhere.
const canary = "c4nary-\"pass\"-word"

// direct reaches a target over this machine's own network.
func direct() services.Reach {
	var d net.Dialer
	return services.Reach{Dial: d.DialContext, DialThere: d.DialContext}
}

// peer listens on loopback and serves every connection by the function, until the
// test ends.
func peer(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	return listen(t, "tcp", "127.0.0.1:0", serve)
}

// socketPeer is a peer on a socket.
func socketPeer(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	return listen(t, "unix", filepath.Join(t.TempDir(), "s"), serve)
}

func listen(t testing.TB, network, addr string, serve func(net.Conn)) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return l.Addr().String()
}

// hold keeps the connection until the far side closes it.
func hold(conn net.Conn) { io.Copy(io.Discard, conn) }

// says returns a peer that says something and then nothing more.
func says(words ...[]byte) func(net.Conn) {
	return func(conn net.Conn) {
		for _, w := range words {
			conn.Write(w)
		}
		hold(conn)
	}
}

// drip sends one byte at a time, slowly, for as long as anybody listens.
func drip(words string) func(net.Conn) {
	return func(conn net.Conn) {
		ticker := time.NewTicker(30 * time.Millisecond)
		defer ticker.Stop()
		for i := 0; ; i++ {
			if _, err := conn.Write([]byte{words[i%len(words)]}); err != nil {
				return
			}
			<-ticker.C
		}
	}
}

// flood sends without end.
func flood(words string) func(net.Conn) {
	return func(conn net.Conn) {
		chunk := []byte(strings.Repeat(words, 1+32768/len(words)))
		for {
			if _, err := conn.Write(chunk); err != nil {
				return
			}
		}
	}
}

// slam resets the connection.
func slam(conn net.Conn) {
	conn.(*net.TCPConn).SetLinger(0)
}

// look probes with a time limit and checks what holds for every observation.
func look(t testing.TB, target services.Target, reach services.Reach, limit time.Duration) services.Observation {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	begin := time.Now()
	seen := services.Probe(ctx, target, reach)
	if took := time.Since(begin); took > limit+2*time.Second {
		t.Errorf("took %v of %v", took, limit)
	}
	if err := presentable(seen); err != nil {
		t.Errorf("%v: %+v", err, seen)
	}
	return seen
}

// presentable tells what is wrong with an observation whatever was probed.
func presentable(seen services.Observation) error {
	all := fmt.Sprintf("%+v", seen)
	switch {
	case seen.Code == "":
		return errors.New("no code")
	case seen.Code != command.OK && seen.Reason == "":
		return errors.New("no reason")
	case len(seen.Reason) > 300:
		return errors.New("reason too long")
	case !utf8.ValidString(all):
		return errors.New("not UTF-8")
	case strings.ContainsAny(seen.Reason, "\n\r\t\x00"):
		return errors.New("reason is not one line")
	case strings.Contains(all, canary), strings.Contains(all, "c4nary"):
		return errors.New("the password is in it")
	}
	for name, value := range seen.Facts {
		switch value.(type) {
		case string, int64, float64, bool:
		default:
			return fmt.Errorf("fact %s is a %T", name, value)
		}
	}
	return nil
}

// wantSeen compares code and a part of the reason.
func wantSeen(t testing.TB, seen services.Observation, code command.Code, reason string) {
	t.Helper()
	if seen.Code != code || !strings.Contains(seen.Reason, reason) || (reason == "") != (seen.Reason == "") {
		t.Errorf("got %s %q, want %s %q", seen.Code, seen.Reason, code, reason)
	}
}

// database is a target for hostile database peers.
func database(addr string) services.Target {
	return services.Target{Name: "db", Mode: "mariadb", Addr: addr, User: "clmgr", Password: secret.New(canary)}
}
