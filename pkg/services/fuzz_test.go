package services_test

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/services"
)

// script reaches a far side that takes whatever it is sent, says the words and hangs up.
func script(words []byte) services.Reach {
	return services.Reach{Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go io.Copy(io.Discard, far)
		go func() {
			far.Write(words)
			far.Close()
		}()
		return near, nil
	}}
}

func FuzzMemcacheAnswer(f *testing.F) {
	f.Add([]byte("VERSION 1.6.18\r\nSTAT pid 1\r\nSTAT bytes 0\r\nEND\r\n"))
	f.Add([]byte("VERSION 1.6.18\r\nERROR\r\n"))
	f.Add([]byte("VERSION \r\n"))
	f.Add([]byte("VERSION 1\r\nSTAT  \r\n"))
	f.Add([]byte("SERVER_ERROR out of memory\r\n"))
	f.Fuzz(func(t *testing.T, words []byte) {
		seen := look(t, services.Target{Mode: "memcache"}, script(words), 10*time.Second)
		switch seen.Code {
		case command.OK:
			if version, _ := seen.Facts["version"].(string); version == "" && len(words) < 10 {
				t.Errorf("running without a version: %+v", seen)
			}
		case command.MemcacheCommFailure:
		default:
			t.Errorf("got %+v", seen)
		}
	})
}

// checkDatabaseCode tells whether the code is one that a database probe may give.
func checkDatabaseCode(t *testing.T, seen services.Observation) {
	t.Helper()
	switch seen.Code {
	case command.OK, command.SQLFailure, command.DatabaseCommFailure:
	default:
		t.Errorf("got %+v", seen)
	}
}

func FuzzMySQLHandshake(f *testing.F) {
	f.Add(mysqlGreeting("10.11.19-MariaDB"))
	f.Add(mysqlLoggedIn())
	f.Add(mysqlError(0, 1040, "Too many connections"))
	f.Add(append(mysqlGreeting("8.4.0"), mysqlError(2, 1045, "Access denied")...))
	f.Add(append(mysqlGreeting("8.4.0"), packet(2, []byte("\xfemysql_native_password\x00short\x00"))...))
	f.Add(append(mysqlGreeting("8.4.0"), packet(2, []byte("\xfecaching_sha2_password\x0012345678901234567890\x00"))...))
	f.Add([]byte("SSH-2.0-OpenSSH\r\n"))
	f.Fuzz(func(t *testing.T, words []byte) {
		checkDatabaseCode(t, look(t, database("db:3306"), script(words), 10*time.Second))
	})
}

func FuzzMySQLAnswers(f *testing.F) {
	one := mysqlRows([]string{"one", "version", "read_only"}, []string{"1", "8.4.0", "0"})
	f.Add(one)
	f.Add(append(one, mysqlError(1, 1227, "no")...))
	f.Add(append(append(one, mysqlRows([]string{"Variable_name", "Value"}, []string{"Uptime", "1"})...),
		mysqlRows([]string{"Source_Host", "Replica_IO_Running"}, []string{"10.0.0.1", "Yes"})...))
	f.Add(mysqlRows([]string{"one", "version", "rea\xff_only"}, []string{"1", "8.4.0", "0"}))
	f.Add(append(append(one, mysqlRows([]string{"Variable_name", "Value"})...),
		mysqlRows([]string{"Source_Host", "Channel_Name"}, []string{"10.0.0.1\n", "we\xffst"})...))
	f.Add(packet(1, []byte("\xfe\x00\x00\x00\x00\x40\x00\x00\x00")))
	f.Fuzz(func(t *testing.T, words []byte) {
		seen := look(t, database("db:3306"), script(append(mysqlLoggedIn(), words...)), 10*time.Second)
		checkDatabaseCode(t, seen)
	})
}

func FuzzExpect(f *testing.F) {
	f.Add(`^\+PONG`, []byte("+PONG\r\n"))
	f.Add(`(?i)ok$`, []byte("all OK"))
	f.Add(`(`, []byte("x"))
	f.Fuzz(func(t *testing.T, expect string, words []byte) {
		check := &services.Check{TCP: &services.TCPCheck{Expect: expect}}
		seen := look(t, services.Target{Check: check}, script(words), 10*time.Second)
		if (check.Compile() != nil) != (seen.Code == command.BadConfig) {
			t.Errorf("%q: got %+v", expect, seen)
		}
	})
}

func FuzzHTTPAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.0 500 no\r\n\r\n"))
	f.Fuzz(func(t *testing.T, words []byte) {
		check := &services.Check{HTTP: &services.HTTPCheck{Expect: "fine"}}
		look(t, services.Target{Addr: "web:80", Check: check}, script(words), 10*time.Second)
	})
}
