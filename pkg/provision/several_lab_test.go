package provision_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/secret"
)

// severalBench is a primary on m1, and two databases on m2: the package's own, which follows
// nobody, and a replica of m1.
type severalBench struct {
	*bench
	own, replica provision.MariaDB
	follows      provision.Replica
}

// TestSeveral has two databases on one machine, which have nothing to do with one another.
func TestSeveral(t *testing.T) {
	t.Parallel()
	for _, image := range []lab.Image{lab.Databases(), lab.Databases13()} {
		t.Run(image.Name, func(t *testing.T) {
			t.Parallel()
			b := &severalBench{bench: boot(t, image, image)}
			t.Run("laid out", b.testLaidOut)
			t.Run("replica", b.testReplica)
			t.Run("health", b.testHealth)
			t.Run("one look at both", b.testLookAtBoth)
			t.Run("synced", b.testSynced)
			t.Run("handed over", b.testHandedOver)
			t.Run("not its own", b.testNotItsOwn)
			t.Run("removed", b.testRemoved)
		})
	}
}

const severalState = `find /etc /usr/local /var/lib/mysql/mysql /var/lib/mysql/clmgr-managed -xdev -type f -newer /etc/machine-id -printf '%p %T@ %s\n' | sort
for u in mariadb mariadb@db3 clmgr-health clmgr-health@db3; do systemctl show -P InvocationID $u; systemctl is-enabled $u; done`

// testLaidOut lays out the second where the first runs, and does nothing the second time.
func (b *severalBench) testLaidOut(t *testing.T) {
	for _, host := range []*remote.Host{b.one, b.two} {
		if _, err := (provision.Packages{"mariadb-server"}).Install(t.Context(), host, b.job()); err != nil {
			t.Fatal(err)
		}
	}
	install(t, b.database("db1"), b.one, true)
	b.own = b.database("db2")
	b.own.ServerID, b.own.Health, b.own.Beside = 2, b.health(9200), []string{"db3"}
	install(t, b.own, b.two, true)
	b.replica = b.database("db3")
	b.replica.Unit, b.replica.Port, b.replica.ServerID, b.replica.Replica = "mariadb@db3", 3307, 3, true
	b.replica.Health, b.replica.Beside = b.health(9201), []string{"db2"}
	before := b.on(t, "m2", "systemctl show -P InvocationID mariadb clmgr-health")
	install(t, b.replica, b.two, true)
	if after := b.on(t, "m2", "systemctl show -P InvocationID mariadb clmgr-health"); after != before {
		t.Errorf("the first was %s and is %s", before, after)
	}
	state := b.on(t, "m2", severalState)
	install(t, b.own, b.two, false)
	install(t, b.replica, b.two, false)
	if again := b.on(t, "m2", severalState); again != state {
		t.Errorf("it was\n%s\nand is\n%s", state, again)
	}
	const ask = "mariadb -NBe 'SELECT @@port, @@server_id, @@datadir, @@read_only, @@character_set_server'"
	if got := b.on(t, "m2", ask); got != "3306\t2\t/var/lib/mysql/\t0\tutf8mb4" {
		t.Errorf("the first is %s", got)
	}
	if got := b.on(t, "m2", strings.Replace(ask, "mariadb", db3, 1)); got != "3307\t3\t/var/lib/mysql-db3/\t1\tutf8mb4" {
		t.Errorf("the second is %s", got)
	}
	b.on(t, "m2", "mariadb -e 'CREATE DATABASE own; CREATE TABLE own.words (id INT PRIMARY KEY); INSERT INTO own.words VALUES (1)'")
}

// db3 is a client of the second one.
const db3 = "mariadb --socket=/run/mysqld-db3/mysqld.sock"

func (b *severalBench) health(port uint16) *provision.Health {
	return &provision.Health{Addr: netip.AddrPortFrom(b.Machine("m2").IP(), port), MaxLag: 30 * time.Second}
}

// testReplica has the second follow m1, and the first nobody.
func (b *severalBench) testReplica(t *testing.T) {
	r := b.bench.replica()
	r.Name, r.Addr, r.Database, r.SourceManaged = "db3", netip.AddrPortFrom(b.Machine("m2").IP(), 3307), b.replica, true
	b.follows = r
	if changed, err := r.Replicate(t.Context(), b.job()); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if changed, err := r.Replicate(t.Context(), b.job()); err != nil || changed {
		t.Error(changed, err)
	}
	b.on(t, "m1", "mariadb -e 'CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY); INSERT INTO shop.orders VALUES (7)'")
	b.until(t, "the order on the second", func() bool {
		return b.on(t, "m2", db3+" -NBe 'SELECT id FROM shop.orders' 2>/dev/null || true") == "7"
	})
	if got := b.on(t, "m2", "mariadb -NBe 'SHOW DATABASES'; mariadb -e 'SHOW ALL SLAVES STATUS'"); strings.Contains(got, "shop") || strings.Contains(got, "Master") {
		t.Errorf("the first holds %s", got)
	}
}

// testHealth has each answered for by its own, and drained alone.
func (b *severalBench) testHealth(t *testing.T) {
	is := func(port int, want string) {
		t.Helper()
		got := ""
		b.until(t, want, func() bool {
			r, err := http.Get(fmt.Sprintf("http://%s/read", netip.AddrPortFrom(b.Machine("m2").IP(), uint16(port)))) //nolint:noctx,gosec // the server ends it
			if err != nil {
				return false
			}
			defer r.Body.Close()
			body, _ := io.ReadAll(r.Body)
			got = fmt.Sprintf("%d %s", r.StatusCode, bytes.TrimSpace(body))
			return got == want
		})
	}
	is(9200, "200 takes writes")
	is(9201, "200 a replica, 0 s behind")
	if err := b.health(9201).Drain(t.Context(), b.two, "mariadb@db3", 5*time.Second); err != nil {
		t.Fatal(err)
	}
	is(9200, "200 takes writes")
	is(9201, "404 about to stop")
	b.on(t, "m2", "systemctl restart mariadb@db3")
	is(9201, "200 a replica, 0 s behind")
	b.on(t, "m2", "systemctl stop mariadb")
	is(9200, "503 the database does not answer")
	is(9201, "200 a replica, 0 s behind")
	b.on(t, "m2", "systemctl start mariadb")
}

// testLookAtBoth looks at both with one command. Where the first hangs the second is seen.
func (b *severalBench) testLookAtBoth(t *testing.T) {
	host := &counted{Host: b.two}
	for way, m := range map[string]job.Machine{"10s": host, "3s": scriptsOnly{host}} {
		host.commands = 0
		for n, f := range provision.Look(t.Context(), m, b.own, b.replica, b.follows) {
			if got := said(f); got != "" {
				t.Errorf("part %d: %s", n, got)
			}
		}
		if host.commands != 1 {
			t.Errorf("a look took %d commands", host.commands)
		}
		b.on(t, "m2", "systemctl kill --signal=STOP mariadb")
		list := provision.Look(t.Context(), m, b.own, b.replica, b.follows)
		b.on(t, "m2", "systemctl kill --signal=CONT mariadb")
		for n, want := range []string{"cannot look at db2: mariadb has not answered in " + way, "", ""} {
			if got := said(list[n]); got != want {
				t.Errorf("beside the first, which hangs, part %d: %s, want %s", n, got, want)
			}
		}
	}
}

// testSynced gives the second a copy in the place of its own data.
func (b *severalBench) testSynced(t *testing.T) {
	b.on(t, "m2", db3+" -e 'SET sql_log_bin = 0; DELETE FROM shop.orders'")
	before := b.on(t, "m2", "systemctl show -P InvocationID mariadb")
	if err := b.follows.Sync(t.Context(), b.job(), true); err != nil {
		t.Fatal(err)
	}
	if got := b.on(t, "m2", db3+" -NBe 'SELECT id FROM shop.orders'; mariadb -NBe 'SELECT id FROM own.words'"); got != "7\n1" {
		t.Errorf("after the sync the two hold %s", got)
	}
	if after := b.on(t, "m2", "systemctl show -P InvocationID mariadb"); after != before {
		t.Error("the first was restarted")
	}
	if missing, err := missing(t, b.two, b.replica); err != nil || missing != "" {
		t.Errorf("missing is %s, %v", missing, err)
	}
}

// testHandedOver has the second take the writes, and give them back.
func (b *severalBench) testHandedOver(t *testing.T) {
	h := provision.Handover{User: "copies", Password: secret.New("canary-copies"), Own: []string{"clmgr", "copies"}, Members: []provision.Member{
		{Name: "db1", Machine: b.one, Unit: "mariadb", Addr: netip.AddrPortFrom(b.Machine("m1").IP(), 3306), Master: true},
		{Name: "db3", Machine: b.two, Unit: "mariadb@db3", Addr: netip.AddrPortFrom(b.Machine("m2").IP(), 3307)},
	}}
	const ask = " -NBe 'SELECT @@read_only'"
	for _, c := range []struct{ to, one, three string }{{"db3", "1", "0"}, {"db1", "0", "1"}} {
		h.To = c.to
		if err := h.Run(t.Context(), b.job()); err != nil {
			t.Fatal(err)
		}
		if one, three := b.on(t, "m1", "mariadb"+ask), b.on(t, "m2", db3+ask); one != c.one || three != c.three {
			t.Errorf("handed over to %s: read_only is %s and %s", c.to, one, three)
		}
	}
	if got := b.on(t, "m2", "mariadb"+ask); got != "0" {
		t.Errorf("the first is read_only: %s", got)
	}
}

// testNotItsOwn refuses to take what was laid out for the other one.
func (b *severalBench) testNotItsOwn(t *testing.T) {
	d := b.replica
	d.Unit, d.Health = "mariadb", b.own.Health
	_, err := d.Install(t.Context(), b.two)
	wantError(t, err, "cannot install db3: the unit mariadb is that of db2 on this machine")
	_, err = provision.Doomed{MariaDB: d}.Removal(t.Context(), b.two)
	wantError(t, err, "cannot remove db3: the unit mariadb is that of db2 on this machine")
	r := b.follows
	r.Database = d
	wantError(t, r.Sync(t.Context(), b.job(), true), "cannot sync db3: the unit mariadb is that of db2 on this machine")
	d = b.replica
	d.Name, d.Unit, d.Beside = "db4", "mariadb@db4", nil
	_, err = d.Adoption(t.Context(), b.two)
	wantError(t, err, "cannot adopt db4: only a database of the unit mariadb can be adopted")
}

// testRemoved removes the second: of the first nothing goes. Then that goes too.
func (b *severalBench) testRemoved(t *testing.T) {
	addr := netip.AddrPortFrom(b.Machine("m2").IP(), 3307)
	doomed := provision.Doomed{MariaDB: b.replica, Addr: addr, Others: []provision.Follower{{Name: "db2", Addr: addr.Addr(), Unit: "mariadb", Machine: b.two}}}
	if err := doomed.Remove(t.Context(), b.two); err != nil {
		t.Fatal(err)
	}
	const left = `ls -d /var/lib/mysql-* /etc/mysql/clmgr* /etc/systemd/system/*db3* /run/mysqld-* 2>/dev/null || true; systemctl is-active mariadb clmgr-health mariadb@db3 clmgr-health@db3 || true`
	if got := b.on(t, "m2", left); got != "active\nactive\ninactive\ninactive" {
		t.Errorf("left are %s", got)
	}
	install(t, b.own, b.two, false)
	if err := (provision.Doomed{MariaDB: b.own}).Remove(t.Context(), b.two); err != nil {
		t.Fatal(err)
	}
	if got := b.on(t, "m2", "getent passwd clmgr-health; ls -d /usr/local/lib/clmgr /etc/systemd/system/clmgr-* 2>/dev/null; systemctl is-active mariadb clmgr-health || true"); got != "inactive\ninactive" {
		t.Errorf("of the first are left %s", got)
	}
}
