package provision_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/secret"
)

// TestClone gives replicas copies of their source's data.
func TestClone(t *testing.T) {
	t.Parallel()
	b := boot(t, lab.Databases(), lab.Databases())
	r := b.pairOf(t, 80)
	t.Run("purged", func(t *testing.T) { b.testPurged(t, r) })
	t.Run("throttled", func(t *testing.T) { b.testThrottled(t, r, 20<<20) })
	t.Run("damaged", func(t *testing.T) { b.testDamaged(t, r) })
	t.Run("killed", func(t *testing.T) { b.testSenderKilled(t, r) })
	t.Run("cut off", func(t *testing.T) { b.testCutOff(t, r) })
	t.Run("receiver killed", func(t *testing.T) { b.testReceiverKilled(t, r) })
	t.Run("as it starts", func(t *testing.T) { b.testAsItStarts(t, r) })
	t.Run("disk full", func(t *testing.T) { b.testDiskFull(t, r) })
	t.Run("owner lost", func(t *testing.T) { b.testOwnerLost(t, r) })
	t.Run("keys", func(t *testing.T) { b.testKeys(t, r) })
}

// pairOf lays out a source with so many MB of data and a replica that follows nobody.
func (b *bench) pairOf(t *testing.T, size int) provision.Replica {
	t.Helper()
	for n, host := range []*remote.Host{b.one, b.two} {
		if _, err := (provision.Packages{"mariadb-server"}).Install(t.Context(), host, b.job()); err != nil {
			t.Fatal(err)
		}
		install(t, b.member(n), host, true)
	}
	b.in(t, "m1", "mariadb", fmt.Sprintf(`CREATE DATABASE shop;
CREATE TABLE shop.orders (id INT PRIMARY KEY, word CHAR(32), text VARCHAR(1000));
USE shop;
INSERT INTO orders SELECT seq, MD5(RAND()), REPEAT(MD5(seq), 30) FROM seq_1_to_%d;
`, size*1000))
	r := b.replica()
	r.Addr, r.Database, r.SourceManaged = netip.AddrPortFrom(b.Machine("m2").IP(), 3306), b.member(1), true
	return r
}

// member is the source, or its replica.
func (b *bench) member(n int) provision.MariaDB {
	d := b.database(fmt.Sprintf("db%d", n+1))
	d.ServerID, d.Replica = n+1, n > 0
	d.Accounts[1].Password = secret.New("canary-copies")
	return d
}

// alike waits until both hold the same rows, and the replica what comes now.
func (b *bench) alike(t *testing.T) {
	t.Helper()
	b.in(t, "m1", "mariadb", "INSERT INTO shop.orders SELECT MAX(id) + 1, 'new', 'row' FROM shop.orders")
	const check = "mariadb -NBe 'CHECKSUM TABLE shop.orders; SELECT COUNT(*) FROM shop.orders'"
	want, got := b.on(t, "m1", check), ""
	for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(100 * time.Millisecond) {
		if got = b.on(t, "m2", check); got == want {
			break
		}
	}
	if got != want {
		t.Errorf("the replica holds %s, its source %s", got, want)
	}
	b.clean(t)
}

// clean finds nothing that a clone should not leave.
func (b *bench) clean(t *testing.T) {
	t.Helper()
	for _, m := range []string{"m1", "m2"} {
		left := b.on(t, m, "ls -A /run/clmgr-clone 2>/dev/null; grep -rl 'PRIVATE KEY' /run; ls -A /var/lib/mysql | grep -e '[.]clmgr' -e xtrabackup; pgrep -a 'sshd|ssh|mbstream|mariadb-backup' | grep -e clmgr -e mbstream -e backup || true")
		if left != "" {
			t.Errorf("%s is left with %s", m, left)
		}
	}
}

// purge takes the beginning of the source's history away.
func (b *bench) purge(t *testing.T) {
	t.Helper()
	// A log that a crash might still need is not purged yet.
	b.on(t, "m1", `mariadb -e 'FLUSH BINARY LOGS'
for n in $(seq 100); do
	mariadb -e 'PURGE BINARY LOGS TO "mariadb-bin.000002"'
	if ! [ -e /var/lib/mysql/mariadb-bin.000001 ]; then exit 0; fi
	sleep 0.1
done
exit 1`)
}

// testPurged begins with a copy where the source's binary logs do not reach back.
func (b *bench) testPurged(t *testing.T, r provision.Replica) {
	b.purge(t)
	began := time.Now()
	if changed, err := r.Replicate(t.Context(), b.job()); err != nil || !changed {
		t.Fatal(changed, err)
	}
	t.Logf("cloned in %v", time.Since(began))
	b.alike(t)
	if got := b.on(t, "m2", "mariadb -NBe 'SELECT @@server_id, @@read_only'; cat /var/lib/mysql/clmgr-cloned; stat -c '%U %a' /var/lib/mysql /var/lib/mysql/mysql /var/lib/mysql/ibdata1"); !strings.HasPrefix(got, "2\t1\nunit clmgr-provision-") {
		t.Errorf("it is %s", got)
	} else {
		t.Log(got)
	}
	if changed, err := r.Replicate(t.Context(), b.job()); err != nil || changed {
		t.Error(changed, err)
	}
}

// testThrottled makes a copy at a rate, which takes as long as that says.
func (b *bench) testThrottled(t *testing.T, r provision.Replica, rate int64) {
	r.CloneRate = rate
	bytes, err := strconv.ParseInt(b.on(t, "m1", "stat -c %s /var/lib/mysql/shop/orders.ibd"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	least := time.Duration(bytes/rate-1) * time.Second // it may begin within a second
	began := time.Now()
	if err := r.Sync(t.Context(), b.job(), true); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MiB at %d MiB a second took %v", bytes>>20, rate>>20, time.Since(began))
	if took := time.Since(began); least < 2*time.Second || took < least {
		t.Errorf("the copy took %v, which should be %v at least, of 2 s or more", took, least)
	}
	b.alike(t)
}

// testDamaged makes a replica anew that holds other data than its source and has stopped.
func (b *bench) testDamaged(t *testing.T, r provision.Replica) {
	b.in(t, "m2", "mariadb", "SET sql_log_bin = 0; DELETE FROM shop.orders WHERE id % 3 = 0")
	b.on(t, "m1", "mariadb -e 'UPDATE shop.orders SET word = \"\" WHERE id < 100'")
	time.Sleep(time.Second)
	if missing, err := missing(t, r.Machine, r); err != nil || !strings.Contains(missing, "replication does not run") {
		t.Fatal(missing, err)
	}
	var occupied *provision.Unwilling
	if err := r.Sync(t.Context(), b.job(), false); !errors.As(err, &occupied) {
		t.Errorf("without a word: %v", err)
	}
	if err := r.Sync(t.Context(), b.job(), true); err != nil {
		t.Fatal(err)
	}
	b.alike(t)
	b.on(t, "m2", "systemctl stop mariadb; truncate -s 1M /var/lib/mysql/shop/orders.ibd; systemctl start mariadb || true")
	if err := r.Sync(t.Context(), b.job(), true); err != nil {
		t.Fatal(err)
	}
	b.alike(t)
}

// slowly has copies come more slowly, so that something can happen meanwhile,
// until quickly.
func (b *bench) slowly(t *testing.T) {
	t.Helper()
	b.in(t, "m1", "cat >/usr/local/bin/mariadb-backup; chmod 755 /usr/local/bin/mariadb-backup", `#!/bin/sh
exec /usr/bin/mariadb-backup "$@" --throttle=80
`)
}

func (b *bench) quickly(t *testing.T) {
	t.Helper()
	b.on(t, "m1", "rm -f /usr/local/bin/mariadb-backup")
}

// arriving waits until so many MB have come.
func (b *bench) arriving(t *testing.T) {
	b.on(t, "m2", `for n in $(seq 600); do
	if [ "$(du -sm /var/lib/mysql/.clmgr-clone 2>/dev/null | cut -f1)" -ge 10 ]; then exit 0; fi
	sleep 0.05
done
exit 1`)
}

// unharmed finds the replica as it was, serving what it held.
func (b *bench) unharmed(t *testing.T, before string) {
	t.Helper()
	b.on(t, "m2", "for n in $(seq 100); do if mariadb -e 'SELECT 1' >/dev/null 2>&1; then exit 0; fi; sleep 0.1; done; exit 1")
	if after := b.state(t); after != before {
		t.Errorf("it held %s, and holds %s", before, after)
	}
	b.clean(t)
}

// state is what the replica holds, and the files that it holds it in. Debian looks after a
// server that has started, among new data for a while after it serves: that is waited for.
func (b *bench) state(t *testing.T) string {
	return b.on(t, "m2", "for n in $(seq 600); do if ! pgrep -x debian-start >/dev/null; then break; fi; sleep 0.1; done; mariadb -NBe 'CHECKSUM TABLE shop.orders'; stat -c '%n %i' /var/lib/mysql/ibdata1 /var/lib/mysql/shop/*; ls /var/lib/mysql | grep -v -e bin -e pid -e aria -e buffer_pool -e lost")
}

// failing starts a sync of a replica that follows, has something happen when a part of
// the copy has come, and returns the error.
func (b *bench) failing(t *testing.T, r provision.Replica, happens func()) error {
	t.Helper()
	b.slowly(t)
	before := b.state(t)
	failure := make(chan error)
	go func() { failure <- r.Sync(t.Context(), b.job(), true) }()
	b.arriving(t)
	happens()
	began := time.Now()
	err := <-failure
	t.Logf("after %v: %v", time.Since(began), err)
	b.quickly(t)
	b.unharmed(t, before)
	return err
}

func (b *bench) again(t *testing.T, r provision.Replica) {
	t.Helper()
	if err := r.Sync(t.Context(), b.job(), true); err != nil {
		t.Error(err)
	}
	b.alike(t)
}

func (b *bench) testSenderKilled(t *testing.T, r provision.Replica) {
	err := b.failing(t, r, func() { b.on(t, "m1", "kill -9 $(pgrep -x mariadb-backup)") })
	wantError(t, err, "cannot sync db2: cannot clone db2 from db1: ", "db1: mariadb-backup ended with exit status 137")
	b.again(t, r)
}

// testCutOff ends all of the sending side at once, which so says nothing any more.
func (b *bench) testCutOff(t *testing.T, r provision.Replica) {
	err := b.failing(t, r, func() { b.on(t, "m1", "systemctl kill -s KILL 'clmgr-provision-*.service'") })
	wantError(t, err, "cannot clone db2 from db1", "from db1")
	b.again(t, r)
}

func (b *bench) testReceiverKilled(t *testing.T, r provision.Replica) {
	err := b.failing(t, r, func() { b.on(t, "m2", "systemctl kill -s KILL 'clmgr-provision-*.service'") })
	wantError(t, err, "cannot clone db2 from db1: it ended by signal")
	b.again(t, r)
}

// testAsItStarts has a copy, and then a stop, come to a server that is starting: MariaDB would
// overlook that it is to end while its replication begins.
func (b *bench) testAsItStarts(t *testing.T, r provision.Replica) {
	for range 3 {
		b.on(t, "m2", "systemctl stop mariadb; systemctl --no-block start mariadb")
		b.again(t, r)
	}
	b.on(t, "m2", "systemctl stop mariadb; systemctl --no-block start mariadb")
	if err := provision.Calm(t.Context(), b.two, "mariadb"); err != nil {
		t.Fatal(err)
	}
	if got := b.on(t, "m2", "systemctl is-active mariadb; mariadb -e 'SHOW ALL SLAVES STATUS\\G' | grep -c 'Running: No'"); got != "active\n2" {
		t.Errorf("readied for its stop as it starts it is %q", got)
	}
	b.on(t, "m2", "systemctl restart mariadb")
	b.again(t, r)
}

// testDiskFull fills the disk of the replica while the copy comes, and has one that is
// too small from the beginning refused.
func (b *bench) testDiskFull(t *testing.T, r provision.Replica) {
	b.on(t, "m2", `systemctl stop mariadb
mv /var/lib/mysql /var/lib/mysql.kept && mkdir /var/lib/mysql && mount -t tmpfs -o size=700m,mode=755 none /var/lib/mysql
chown mysql: /var/lib/mysql && cp -a /var/lib/mysql.kept/. /var/lib/mysql && systemctl start mariadb`)
	err := b.failing(t, r, func() { b.on(t, "m2", "dd if=/dev/zero of=/var/lib/mysql/lost+found bs=1M 2>/dev/null; true") })
	wantError(t, err, "cannot clone db2 from db1: exit status 4: what came from db1 cannot be taken: ", "No space left")
	before := b.state(t)
	wantError(t, r.Sync(t.Context(), b.job(), true), "cannot clone db2 from db1: the copy needs ", " are free")
	b.unharmed(t, before)
	b.on(t, "m2", "rm /var/lib/mysql/lost+found")
	b.again(t, r)
	b.on(t, "m2", "systemctl stop mariadb; umount /var/lib/mysql; rmdir /var/lib/mysql; mv /var/lib/mysql.kept /var/lib/mysql; systemctl start mariadb")
	b.again(t, r)
}

// testOwnerLost has another owner go on with what the first one began.
func (b *bench) testOwnerLost(t *testing.T, r provision.Replica) {
	b.slowly(t)
	defer b.quickly(t)
	j := b.job()
	ctx, cancel := context.WithCancel(t.Context())
	failure := make(chan error)
	go func() { failure <- r.Sync(ctx, j, true) }()
	b.arriving(t)
	cancel()
	if err := <-failure; err == nil {
		t.Error("it came to an end")
	}
	j.Epoch++
	if err := r.Sync(t.Context(), j, true); err != nil {
		t.Fatal(err)
	}
	if got := b.on(t, "m1", "journalctl -q -o cat -u "+j.Unit+"-sender | grep -c '^Starting'; journalctl -q -o cat -u "+j.Unit+"-sender | grep -c Deactivated || true"); !strings.HasPrefix(got, "1\n") {
		t.Errorf("it was sent %s times", got)
	}
	b.alike(t)
	before := b.state(t)
	j.Epoch++
	if err := r.Sync(t.Context(), j, true); err != nil {
		t.Fatal(err)
	}
	b.unharmed(t, before)
}

// testKeys looks for the keys of a transfer while it goes on, and after it.
func (b *bench) testKeys(t *testing.T, r provision.Replica) {
	b.slowly(t)
	defer b.quickly(t)
	stop, seen := make(chan struct{}), make(chan string)
	go func() { seen <- argumentLists(stop) }()
	failure := make(chan error)
	go func() { failure <- r.Sync(t.Context(), b.job(), true) }()
	b.arriving(t)
	keys := map[string]string{"m1": "key", "m2": "host_key"}
	for m, file := range keys {
		path := b.on(t, m, "echo /run/clmgr-clone/*/"+file)
		if got := b.on(t, m, "stat -c '%a %U' /run/clmgr-clone /run/clmgr-clone/* "+path+"; findmnt -no FSTYPE -T "+path); got != "700 root\n700 root\n600 root\ntmpfs" {
			t.Errorf("%s holds its key so: %s", m, got)
		}
		keys[m] = b.on(t, m, "sed -n 4p "+path) // which is of the secret half
		if got := b.holding(t, m, keys[m]); got != path || len(keys[m]) < 40 {
			t.Errorf("on %s the key is in %s", m, got)
		}
	}
	if err := <-failure; err != nil {
		t.Error(err)
	}
	close(stop)
	lists := <-seen
	if !strings.Contains(lists, "UserKnownHostsFile") {
		t.Error("nobody looked at the argument lists")
	}
	for m, key := range keys {
		if strings.Contains(lists, key) {
			t.Errorf("the key of %s was in an argument list", m)
		}
		b.on(t, m, "journalctl --sync; journalctl -o export >/root/journal")
		if got := b.holding(t, m, key); got != "" {
			t.Errorf("on %s the key is still in %s", m, got)
		}
	}
	b.alike(t)
}

// holding finds the files that hold a text.
func (b *bench) holding(t *testing.T, machine, text string) string {
	t.Helper()
	return b.in(t, machine, "grep -rlaF -f - /etc /run /var /tmp /root 2>/dev/null || true", text)
}
