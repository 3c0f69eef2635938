package provision_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/secret"
)

// semiSyncWait is how long a commit waits here.
const semiSyncWait = 2 * time.Second

// TestSemiSync has commits wait for a replica, whoever the primary is.
func TestSemiSync(t *testing.T) {
	t.Parallel()
	b := boot(t, lab.Databases(), lab.Databases())
	var all []provision.MariaDB
	for n, host := range []*remote.Host{b.one, b.two} {
		if _, err := (provision.Packages{"mariadb-server"}).Install(t.Context(), host, b.job()); err != nil {
			t.Fatal(err)
		}
		d := b.member(n)
		d.SemiSync = semiSyncWait
		install(t, d, host, true)
		install(t, d, host, false)
		all = append(all, d)
	}
	r := b.replica()
	r.SemiSync, r.Database = true, all[1]
	if changed, err := r.Replicate(t.Context(), b.job()); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if changed, err := r.Replicate(t.Context(), b.job()); err != nil || changed {
		t.Error(changed, err)
	}
	b.on(t, "m1", "mariadb -e 'CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY AUTO_INCREMENT)'")
	b.wantAcked(t, "m1")
	t.Run("nobody there", func(t *testing.T) { b.testNobodyThere(t, r) })
	t.Run("source switched off", func(t *testing.T) { b.testSourceOff(t, r) })
	t.Run("handed over", b.testSemiSyncHandedOver)
	t.Run("adopted as it runs", func(t *testing.T) { b.testSemiSyncAdopted(t, all[0]) })
}

// semiSync is how many replicas a primary could wait for, and whether it does.
func (b *bench) semiSync(t *testing.T, machine string) string {
	return b.on(t, machine, `mariadb -NBe "SHOW GLOBAL STATUS WHERE Variable_name IN ('Rpl_semi_sync_master_clients', 'Rpl_semi_sync_master_status')" | cut -f 2 | xargs`)
}

// wantAcked writes a row, which a replica must acknowledge.
func (b *bench) wantAcked(t *testing.T, machine string) {
	t.Helper()
	if got := b.semiSync(t, machine); got != "1 ON" {
		t.Errorf("%s has clients and status %s", machine, got)
	}
	got := b.on(t, machine, `count() { mariadb -NBe "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_master_$1_tx'" | cut -f 2; }
no=$(count no) yes=$(count yes)
mariadb -e 'INSERT INTO shop.orders VALUES ()'
echo $(($(count no) - no)) $(($(count yes) - yes))`)
	if got != "0 1" {
		t.Errorf("on %s commits not acknowledged and acknowledged: %s", machine, got)
	}
}

// testNobodyThere lets a commit pass when its time is over, and heals.
func (b *bench) testNobodyThere(t *testing.T, r provision.Replica) {
	b.on(t, "m2", "mariadb -e 'STOP SLAVE'")
	b.until(t, "no client", func() bool { return b.semiSync(t, "m1") == "0 ON" })
	began := time.Now()
	b.on(t, "m1", "mariadb -e 'INSERT INTO shop.orders VALUES ()'")
	if took := time.Since(began); took < semiSyncWait {
		t.Errorf("a commit without a replica took %v", took)
	}
	if got := b.semiSync(t, "m1"); got != "0 OFF" {
		t.Errorf("after that clients and status are %s", got)
	}
	if changed, err := r.Replicate(t.Context(), b.job()); err != nil || !changed {
		t.Fatal(changed, err)
	}
	b.wantAcked(t, "m1")
}

// testSourceOff finds that the source does not wait, and has the replica ask it again.
func (b *bench) testSourceOff(t *testing.T, r provision.Replica) {
	b.on(t, "m1", "mariadb -e 'SET GLOBAL rpl_semi_sync_master_enabled = 0'")
	const off = "its source does not wait for replicas: semi-synchronous replication is OFF"
	if missing, err := missing(t, b.two, r); err != nil || missing != off {
		t.Errorf("missing is %q, %v", missing, err)
	}
	_, err := r.Replicate(t.Context(), b.job())
	wantError(t, err, "cannot replicate db2 from db1: "+off)
	b.on(t, "m1", "mariadb -e 'SET GLOBAL rpl_semi_sync_master_enabled = 1'")
	if _, err := r.Replicate(t.Context(), b.job()); err != nil { // it has connected again already
		t.Fatal(err)
	}
	b.wantAcked(t, "m1")
}

// testSemiSyncHandedOver has the other one wait, and no replica for replicas of its own.
func (b *bench) testSemiSyncHandedOver(t *testing.T) {
	h := provision.Handover{User: "copies", Password: secret.New("canary-copies"), Own: []string{"clmgr", "copies"}, SemiSync: true, Members: []provision.Member{
		{Name: "db1", Machine: b.one, Addr: netip.AddrPortFrom(b.Machine("m1").IP(), 3306), Master: true},
		{Name: "db2", Machine: b.two, Addr: netip.AddrPortFrom(b.Machine("m2").IP(), 3306)},
	}}
	const ask = "mariadb -NBe 'SELECT @@rpl_semi_sync_master_wait_no_slave, @@rpl_semi_sync_master_wait_point'"
	for _, c := range []struct{ to, primary, replica string }{{"db2", "m2", "m1"}, {"db1", "m1", "m2"}} {
		h.To = c.to
		if err := h.Run(t.Context(), b.job()); err != nil {
			t.Fatal(err)
		}
		b.wantAcked(t, c.primary)
		if got := b.on(t, c.primary, ask) + " " + b.on(t, c.replica, ask); got != "1\tAFTER_SYNC 0\tAFTER_SYNC" {
			t.Errorf("handed over to %s: the two are %s", c.to, got)
		}
	}
}

// testSemiSyncAdopted switches it on in a server that runs.
func (b *bench) testSemiSyncAdopted(t *testing.T, d provision.MariaDB) {
	b.on(t, "m1", "rm /var/lib/mysql/clmgr-managed; mariadb -e 'SET GLOBAL rpl_semi_sync_master_enabled = 0, GLOBAL rpl_semi_sync_master_timeout = 10000'")
	before := b.on(t, "m1", "systemctl show -P InvocationID mariadb")
	if err := d.Adopt(t.Context(), b.one, false); err != nil {
		t.Fatal(err)
	}
	if got := b.on(t, "m1", "systemctl show -P InvocationID mariadb; mariadb -NBe 'SELECT @@rpl_semi_sync_master_enabled, @@rpl_semi_sync_master_timeout'"); got != before+"\n1\t2000" {
		t.Errorf("the adopted is %s", got)
	}
}
