package provision_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/provision"
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

func said(f provision.Found) string {
	if f.Err != nil {
		return f.Err.Error()
	}
	return f.Missing
}
