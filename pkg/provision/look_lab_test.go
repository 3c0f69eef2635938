package provision_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/job"
)

// missing looks at one part.
func missing(t *testing.T, host job.Machine, part provision.Part) (string, error) {
	t.Helper()
	found := provision.Look(t.Context(), host, part)
	return found[0].Missing, found[0].Err
}

// testLookAtAll looks at many parts of the replica's machine with one command. A server that
// hangs takes nothing from what does not need it.
func (b *bench) testLookAtAll(t *testing.T) {
	d, r := b.database("db2"), b.replica()
	d.ServerID, d.Replica = 2, true
	parts := []provision.Part{
		provision.Packages{"mariadb-server", "no-such-package"},
		d, r,
		provision.Unknown{Err: context.Canceled},
		provision.Keepalived{Name: "vip2", Unit: "keepalived", Addr: b.Machine("m2").IP(), VIP: b.VIP(), RouterID: 7},
	}
	const packages, guard = "not installed: no-such-package", "/etc/keepalived/keepalived.conf is not as configured; the unit keepalived is not started at boot"
	b.sameByScripts(t, parts)
	began := time.Now()
	if got := said(provision.Look(t.Context(), gluing{b.two}, d)[0]); got != "" || time.Since(began) > 5*time.Second {
		t.Errorf("asked all at once it lacks %q, seen after %v", got, time.Since(began))
	}
	host := &counted{Host: b.two}
	for n, want := range []string{packages, "", "", "cannot look at it: context canceled", guard} {
		if got := said(provision.Look(t.Context(), host, parts...)[n]); got != want {
			t.Errorf("part %d: %s, want %s", n, got, want)
		}
	}
	if host.commands != len(parts) {
		t.Errorf("%d looks took %d commands", len(parts), host.commands)
	}

	b.on(t, "m2", "systemctl kill --signal=STOP mariadb")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	found := provision.Look(ctx, host, parts...)
	b.on(t, "m2", "systemctl kill --signal=CONT mariadb")
	for n, want := range []string{packages, "cannot look at db2: ", "cannot look at the replication of db2: ", "cannot look at it: ", guard} {
		if got := said(found[n]); !strings.HasPrefix(got, want) {
			t.Errorf("beside a server that hangs, part %d: %s, want %s", n, got, want)
		}
	}
}

// scriptsOnly is a machine whose sockets are not to be reached, as where the login is not
// root's.
type scriptsOnly struct{ job.Machine }

// sameByScripts looks at the machine m2 in every state by its sockets and by scripts, which
// see the same.
func (b *bench) sameByScripts(t *testing.T, parts []provision.Part) {
	const odd = "a_user_whose_name_is_longer_than_what_base64_writes_in_a_line"
	states := []struct{ to, back string }{
		{":", ":"},
		{"mariadb -e 'STOP SLAVE'", "mariadb -e 'START SLAVE'; sleep 1"},
		{"systemctl disable --quiet mariadb", "systemctl enable --quiet mariadb"},
		{"systemctl stop mariadb", "systemctl start mariadb; sleep 1"},
		{
			"mariadb -e \"SET sql_log_bin = 0; CREATE USER root@'%'; CREATE USER " + odd + "; GRANT PROCESS ON *.* TO " + odd + "; CREATE DATABASE test\"",
			"mariadb -e \"SET sql_log_bin = 0; DROP USER root@'%'; DROP USER " + odd + "; DROP DATABASE test\"",
		},
	}
	for _, s := range states {
		b.on(t, "m2", s.to)
		one := &counted{Host: b.two}
		bySockets, byScripts := provision.Look(t.Context(), one, parts...), provision.Look(t.Context(), scriptsOnly{b.two}, parts...)
		if strings.Contains(one.script, "mariadb --") || strings.Contains(one.script, "systemctl") {
			t.Errorf("%s: programs are started for what sockets tell:\n%s", s.to, one.script)
		}
		for n := range parts {
			if x, y := said(bySockets[n]), said(byScripts[n]); x != y {
				t.Errorf("%s, part %d: %q by sockets, %q by scripts", s.to, n, x, y)
			}
		}
		b.on(t, "m2", s.back)
	}
}

// gluing is a machine whose systemd gets the end of a greeting and what comes after it at
// once, as may happen to anybody.
type gluing struct{ *remote.Host }

func (g gluing) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := g.Host.Dial(ctx, network, addr)
	return &glued{Conn: conn}, err
}

type glued struct {
	net.Conn
	held []byte
}

func (g *glued) Write(p []byte) (int, error) {
	if string(p) == "BEGIN\r\n" {
		g.held = slices.Clone(p)
		return len(p), nil
	}
	_, err := g.Conn.Write(append(g.held, p...))
	g.held = nil
	return len(p), err
}

func said(f provision.Found) string {
	if f.Err != nil {
		return f.Err.Error()
	}
	return f.Missing
}
