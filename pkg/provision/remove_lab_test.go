package provision_test

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/job"
)

// leaving is a machine that is lost after so many commands: before the next one, or with
// its answer.
type leaving struct {
	job.Machine
	left   int
	answer bool // the last command is run, and its answer lost
}

var errLost = errors.New("the machine is lost")

func (l *leaving) Run(ctx context.Context, command string, stdin io.Reader) (remote.Output, error) {
	if l.left--; l.left < 0 {
		if l.answer && l.left == -1 {
			if _, err := l.Machine.Run(ctx, command, stdin); err != nil {
				return remote.Output{}, err
			}
		}
		return remote.Output{}, errLost
	}
	return l.Machine.Run(ctx, command, stdin)
}

// lostEverywhere does it with the machine lost after no command, after one, and so on, until
// it is done; each try finds what the one before has left.
func lostEverywhere(t *testing.T, machine job.Machine, do func(job.Machine) error) {
	t.Helper()
	for n := range 40 {
		err := do(&leaving{machine, n / 2, n%2 == 1})
		if err == nil {
			t.Logf("done after %d losses", n)
			return
		}
		if !errors.Is(err, errLost) {
			t.Fatalf("lost after %d commands, answer %v: %v", n/2, n%2 == 1, err)
		}
	}
	t.Fatal("it is never done")
}

// TestLostOnTheWay adopts a database and removes it again, by managers that lose it.
func TestLostOnTheWay(t *testing.T) {
	b := boot(t, lab.Databases(), lab.Databases13())
	t.Run("Debian 12", func(t *testing.T) { b.testLost(t, b.one, "m1") })
	t.Run("Debian 13", func(t *testing.T) { b.testLost(t, b.two, "m2") })
}

func (b *bench) testLost(t *testing.T, host *remote.Host, name string) {
	d := b.database("db1")
	d.MemPct = 0
	d.Health = &provision.Health{Addr: netip.AddrPortFrom(b.Machine(name).IP(), 9200), MaxLag: 10 * time.Second}
	if _, err := (provision.Packages{"mariadb-server"}).Install(t.Context(), host, b.job()); err != nil {
		t.Fatal(err)
	}
	b.on(t, name, `printf '[mariadbd]\nbind-address=*\nskip_name_resolve=1\nlog_bin=own-bin\nlog_slave_updates=1\nserver_id=77\n' >/etc/mysql/mariadb.conf.d/60-own.cnf
systemctl start mariadb; mariadb -e 'CREATE DATABASE shop; CREATE TABLE shop.orders AS SELECT 7 AS id'`)
	before := b.on(t, name, "systemctl show -P InvocationID mariadb")
	bigger := d
	bigger.MemPct = 90
	if a, err := bigger.Adoption(t.Context(), host); err != nil || !strings.Contains(strings.Join(a.Lines(), "; "), "innodb_buffer_pool_size is 134217728, and becomes ") {
		t.Errorf("%q, %v", a.Lines(), err)
	} else {
		t.Logf("%q", a.Lines())
	}
	lostEverywhere(t, host, func(m job.Machine) error { return d.Adopt(t.Context(), m, false) })
	install(t, d, host, false)
	if got := b.on(t, name, "systemctl show -P InvocationID mariadb"); got != before {
		t.Error("the server was restarted")
	}
	if got := b.on(t, name, "mariadb -NBe 'SELECT id, @@server_id FROM shop.orders'"); got != "7\t1" {
		t.Errorf("there is %s", got)
	}

	doomed := provision.Doomed{MariaDB: d, Addr: netip.AddrPortFrom(b.Machine(name).IP(), 3306)}
	lostEverywhere(t, host, func(m job.Machine) error { return doomed.Remove(t.Context(), m) })
	if r, err := doomed.Removal(t.Context(), host); err != nil || len(r.Lines()) > 0 {
		t.Errorf("left are %q, %v", r.Lines(), err)
	}
	if got := b.on(t, name, "ls -A /var/lib/mysql | grep -v '^debian-'; systemctl is-active mariadb clmgr-health; ls /etc/mysql/mariadb.conf.d"); !strings.HasPrefix(got, "inactive\ninactive\n") || strings.Contains(got, "99-clmgr") {
		t.Errorf("left is %s", got)
	}
	install(t, d, host, true)
	lostEverywhere(t, host, func(m job.Machine) error {
		return provision.Memcached{Name: "cache1", Unit: "memcached"}.Remove(t.Context(), m)
	})
}
