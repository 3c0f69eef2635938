package provision_test

import (
	"strings"
	"testing"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/provision"
)

// TestCloneNewer gives a replica on Debian 13 what a source on Debian 12 holds: by a dump,
// since files of 10.11 do not suit 11.8.
func TestCloneNewer(t *testing.T) {
	t.Parallel()
	b := boot(t, lab.Databases(), lab.Databases13())
	r := b.pairOf(t, 20)
	b.in(t, "m1", "mariadb --default-character-set=utf8mb4", `USE shop;
CREATE VIEW early AS SELECT * FROM orders WHERE id < 10;
CREATE PROCEDURE count_orders() SELECT COUNT(*) FROM orders;
CREATE TRIGGER stamp BEFORE INSERT ON orders FOR EACH ROW SET NEW.word = UPPER(NEW.word);
CREATE TABLE odd (id INT PRIMARY KEY, b VARBINARY(20), u VARCHAR(20) CHARACTER SET utf8mb4, j JSON, g POINT);
INSERT INTO odd VALUES (1, x'00ff0a27', 'zażółć 🦉', '{"a": 1}', POINT(1, 2));
CREATE USER app@'%' IDENTIFIED BY 'app';
`)
	b.in(t, "m2", "mariadb", "SET sql_log_bin = 0; CREATE USER local_one@'%' IDENTIFIED BY 'x'")
	b.purge(t)
	if changed, err := r.Replicate(t.Context(), b.job()); err != nil || !changed {
		t.Fatal(changed, err)
	}
	b.alike(t)
	const odd = "mariadb --default-character-set=utf8mb4 -NBe 'SELECT HEX(b), u, j, ST_AsText(g) FROM shop.odd; SELECT COUNT(*) FROM shop.early; CALL shop.count_orders()'"
	if want, got := b.on(t, "m1", odd), b.on(t, "m2", odd); got != want || !strings.HasPrefix(got, "00FF0A27\tzażółć 🦉") {
		t.Errorf("it holds\n%s\nand its source\n%s", got, want)
	}
	if got := b.on(t, "m2", `mariadb -NBe 'SELECT User FROM mysql.global_priv WHERE User <> "" ORDER BY 1; SHOW CREATE TRIGGER shop.stamp' | cut -c1-20 | tr '\n' ' '; ls /usr/bin/mariadb-backup 2>/dev/null || true`); !strings.HasPrefix(got, "clmgr copies mariadb.sys mysql root stamp") {
		t.Errorf("its accounts are %s", got)
	}
	if got := b.on(t, "m2", "mariadb -NBe 'SELECT @@gtid_binlog_pos <> \"\", @@server_id, @@version LIKE \"11.%\"; SHOW DATABASES' | tr '\\n' ' '"); !strings.HasPrefix(got, "1\t2\t1") {
		t.Error(got)
	}
	t.Run("throttled", func(t *testing.T) { b.testThrottled(t, r, 4<<20) })
	t.Run("statement refused", func(t *testing.T) { b.testDumpRefused(t, r) })
}

// testDumpRefused has the dump end in what no server takes.
func (b *bench) testDumpRefused(t *testing.T, r provision.Replica) {
	before := b.state(t)
	const row = "80c60e6ccca996995b273e51b04d6b9c" // which no error should tell
	for script, words := range map[string]string{
		`/usr/bin/mariadb-dump "$@" 2>/dev/null | head -c 9000000; echo "'; SELECT no such thing;"`: "cannot be taken: ERROR 1064 (42000) at line ",
		`/usr/bin/mariadb-dump "$@" 2>/dev/null | head -c 9000000; echo gone wrong >&2; exit 3`:     "db1: mariadb-dump ended with exit status 3: gone wrong",
	} {
		b.in(t, "m1", "cat >/usr/local/bin/mariadb-dump; chmod 755 /usr/local/bin/mariadb-dump", "#!/bin/sh\n"+script+"\n")
		err := r.Sync(t.Context(), b.job(), true)
		t.Log(err)
		wantError(t, err, "cannot clone db2 from db1: exit status 4", words)
		if strings.Contains(err.Error(), row[:12]) {
			t.Error("it tells what is in the rows")
		}
		b.on(t, "m1", "rm /usr/local/bin/mariadb-dump")
		b.unharmed(t, before)
	}
	b.again(t, r)
}
