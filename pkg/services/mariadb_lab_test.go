package services_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/services"
)

// mariadbConfig is what the servers of the bench are started with.
const mariadbConfig = `[mariadb]
bind-address = 0.0.0.0
skip-name-resolve
log-bin
gtid-strict-mode
plugin-load-add = auth_ed25519
innodb-buffer-pool-size = 16M
`

// replicate makes the machine's server a replica of m1's.
const replicate = `CHANGE MASTER TO MASTER_HOST = '%s', MASTER_USER = 'repl', MASTER_PASSWORD = 'repl-pass',
	MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos; START SLAVE;`

// sql runs statements on the machine's server as root.
func sql(t *testing.T, m *lab.Machine, statements string) string {
	t.Helper()
	return run(t, m, "mariadb -N", statements)
}

func (b *bench) setUpMariaDB(t *testing.T) {
	for i, m := range []*lab.Machine{b.m1, b.m2} {
		own := []string{"rpl-semi-sync-master-enabled\nrpl-semi-sync-master-timeout = 500", "rpl-semi-sync-slave-enabled\nread-only"}[i]
		config := fmt.Sprintf("%sserver-id = %d\n%s\n", mariadbConfig, i+1, own)
		run(t, m, "cat > /etc/mysql/mariadb.conf.d/99-test.cnf && systemctl start mariadb", config)
	}
	sql(t, b.m1, fmt.Sprintf(`CREATE USER repl IDENTIFIED BY 'repl-pass'; GRANT REPLICATION SLAVE ON *.* TO repl;
		CREATE USER clmgr IDENTIFIED BY '%s'; GRANT SLAVE MONITOR ON *.* TO clmgr;
		CREATE USER plain; GRANT SLAVE MONITOR ON *.* TO plain;
		CREATE USER poor IDENTIFIED BY '%s';
		CREATE USER modern IDENTIFIED VIA ed25519 USING PASSWORD('%s');
		CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY);`, canary, canary, canary))
	sql(t, b.m2, fmt.Sprintf(replicate, b.m1.IP()))
}

func (b *bench) testMariaDB(t *testing.T) {
	b.setUpMariaDB(t)
	t.Run("primary", b.testPrimary)
	t.Run("replica", b.testReplica)
	t.Run("login", b.testLogin)
	t.Run("replica stopped", b.testReplicaStopped)
	t.Run("source lost", b.testSourceLost)
	t.Run("duplicate key", b.testDuplicateKey)
	t.Run("statement is not shown", b.testStatementIsNotShown)
	t.Run("named channel", b.testNamedChannel)
	t.Run("too many connections", b.testTooManyConnections)
	t.Run("stands still", b.testStandsStill)
	t.Run("killed", b.testKilled)
	t.Run("stopped", b.testStopped)
}

// replica is the target of most subtests.
func (b *bench) replica() services.Target { return account(b.m2, "mariadb", "clmgr", canary) }

func (b *bench) testPrimary(t *testing.T) {
	target := account(b.m1, "mariadb", "clmgr", canary)
	seen := eventually(t, target, direct(), "a primary with a semi-sync replica", func(seen services.Observation) bool {
		return running(seen) && seen.Facts["semi_sync_master_clients"] == int64(1) && seen.Facts["semi_sync_master_status"] == true
	})
	if seen.Role != services.Master || !seen.Writable || seen.Silent {
		t.Errorf("got %+v", seen)
	}
	wantFacts(t, seen, map[string]any{
		"server": "mariadb", "read_only": false, "replication_channels": int64(0),
		"semi_sync_master_enabled": true, "semi_sync_master_status": true, "semi_sync_slave_enabled": false,
		"gtid_position": strings.TrimSpace(sql(t, b.m1, "SELECT @@gtid_binlog_pos")),
	})
	if version, _ := seen.Facts["version"].(string); !strings.HasPrefix(version, "10.11.") {
		t.Errorf("version %q", version)
	}
	if seen.Facts["server_mismatch"] != nil {
		t.Errorf("mismatch: %v", seen.Facts["server_mismatch"])
	}
	wantSeen(t, look(t, target, b.ssh(b.m2), ample), command.OK, "")

	target.Mode = "mysql"
	seen = look(t, target, direct(), ample)
	wantSeen(t, seen, command.OK, "")
	wantFacts(t, seen, map[string]any{"server_mismatch": "mode is mysql, but the server is mariadb"})

	sql(t, b.m1, "SET GLOBAL read_only = 1")
	seen = look(t, target, direct(), ample)
	if seen.Role != services.Master || seen.Writable {
		t.Errorf("read only: got %+v", seen)
	}
	sql(t, b.m1, "SET GLOBAL read_only = 0")
}

func (b *bench) testReplica(t *testing.T) {
	sql(t, b.m1, "INSERT INTO d.t VALUES (1)")
	position := strings.TrimSpace(sql(t, b.m1, "SELECT @@gtid_binlog_pos"))
	seen := eventually(t, b.replica(), direct(), "a replica that has caught up", func(seen services.Observation) bool {
		return running(seen) && seen.Facts["gtid_position"] == position && seen.Facts["replication_lag_seconds"] == int64(0)
	})
	if seen.Role != services.Slave || seen.Writable || seen.Silent {
		t.Errorf("got %+v", seen)
	}
	wantFacts(t, seen, map[string]any{
		"read_only": true, "replication_channels": int64(1), "replication_master": at(b.m1, 3306),
		"replication_io_running": "Yes", "replication_sql_running": "Yes", "replication_lag_seconds": int64(0),
		"replication_gtid_received": position,
		"semi_sync_slave_enabled":   true, "semi_sync_slave_status": true, "semi_sync_master_enabled": false,
	})
}

func (b *bench) testLogin(t *testing.T) {
	wrong, empty := account(b.m1, "mariadb", "clmgr", "c4nary-wrong"), account(b.m1, "mariadb", "clmgr", "")
	wantSeen(t, look(t, wrong, direct(), ample), command.SQLFailure, "access denied for user clmgr (password given)")
	wantSeen(t, look(t, empty, direct(), ample), command.SQLFailure, "access denied for user clmgr (no password given)")

	seen := look(t, account(b.m1, "mariadb", "poor", canary), direct(), ample)
	wantSeen(t, seen, command.OK, "replication state not visible: needs the SLAVE MONITOR privilege")
	if seen.Role != services.Unknown || seen.Writable {
		t.Errorf("on the primary: got %+v", seen)
	}
	if seen = look(t, account(b.m2, "mariadb", "poor", canary), direct(), ample); seen.Role != services.Slave {
		t.Errorf("on the replica: got %+v", seen)
	}

	seen = look(t, account(b.m1, "mariadb", "modern", canary), direct(), ample)
	wantSeen(t, seen, command.OK, "replication state not visible") // logged in by ed25519

	secured := account(b.m1, "mariadb", "clmgr", canary)
	for word, c := range map[string]struct {
		code   command.Code
		reason string
	}{
		"off": {command.OK, ""}, "preferred": {command.OK, ""},
		"skip-verify": {command.DatabaseCommFailure, "the server does not offer it"},
		"required":    {command.DatabaseCommFailure, "the server does not offer it"},
	} {
		secured.TLS = word
		wantSeen(t, look(t, secured, direct(), ample), c.code, c.reason)
	}
}

func (b *bench) testReplicaStopped(t *testing.T) {
	for statement, reason := range map[string]string{
		"STOP SLAVE SQL_THREAD": "replication SQL thread stopped",
		"STOP SLAVE IO_THREAD":  "replication IO thread stopped",
		"STOP SLAVE":            "replication stopped",
	} {
		sql(t, b.m2, statement)
		seen := look(t, b.replica(), direct(), ample)
		if seen.Code != command.SQLFailure || seen.Reason != reason || seen.Role != services.Slave {
			t.Errorf("%s: got %+v", statement, seen)
		}
		if lag, known := seen.Facts["replication_lag_seconds"]; known {
			t.Errorf("%s: lag %v, which the server does not know", statement, lag)
		}
		sql(t, b.m2, "START SLAVE")
		eventually(t, b.replica(), direct(), "replicating again", running)
	}
}

func (b *bench) testSourceLost(t *testing.T) {
	sql(t, b.m1, "ALTER USER repl IDENTIFIED BY 'other'")
	sql(t, b.m2, "STOP SLAVE; START SLAVE")
	seen := eventually(t, b.replica(), direct(), "denied", func(seen services.Observation) bool {
		return strings.Contains(seen.Reason, "error 1045")
	})
	wantSeen(t, seen, command.SQLFailure, "replication IO thread not connected to "+at(b.m1, 3306)+": error 1045 Access denied")
	sql(t, b.m1, "ALTER USER repl IDENTIFIED BY 'repl-pass'")
	eventually(t, b.replica(), direct(), "replicating again", running)
}

// A replica that fails over a statement shows it, with whatever secret is in it.
func (b *bench) testStatementIsNotShown(t *testing.T) {
	sql(t, b.m2, "SET sql_log_bin = 0; CREATE USER twice")
	sql(t, b.m1, "CREATE USER twice IDENTIFIED BY '"+canary+"'")
	stranger := account(b.m2, "mariadb", "plain", "")
	seen := eventually(t, stranger, direct(), "broken", func(seen services.Observation) bool { return seen.Code != command.OK })
	wantSeen(t, seen, command.SQLFailure, "replication SQL thread stopped: error 1396 Error 'Operation CREATE USER failed for 'twice'@'%''")
	sql(t, b.m2, "SET sql_log_bin = 0; DROP USER twice; START SLAVE")
	eventually(t, b.replica(), direct(), "replicating again", running)
}

func (b *bench) testDuplicateKey(t *testing.T) {
	sql(t, b.m2, "SET sql_log_bin = 0; INSERT INTO d.t VALUES (7)")
	sql(t, b.m1, "INSERT INTO d.t VALUES (7)")
	seen := eventually(t, b.replica(), direct(), "broken", func(seen services.Observation) bool { return seen.Code != command.OK })
	wantSeen(t, seen, command.SQLFailure, "replication SQL thread stopped: error 1062")
	wantSeen(t, seen, command.SQLFailure, "Duplicate entry '7'")
	if failure, _ := seen.Facts["replication_sql_error"].(string); !strings.Contains(failure, "1062") {
		t.Errorf("fact %q", failure)
	}
	sql(t, b.m2, "SET sql_log_bin = 0; DELETE FROM d.t WHERE id = 7; START SLAVE")
	eventually(t, b.replica(), direct(), "replicating again", running)
}

func (b *bench) testNamedChannel(t *testing.T) {
	sql(t, b.m2, "CHANGE MASTER 'west' TO MASTER_HOST = '10.9.9.9', MASTER_USER = 'repl'")
	seen := look(t, b.replica(), direct(), ample)
	wantSeen(t, seen, command.SQLFailure, `replication channel west stopped`)
	wantFacts(t, seen, map[string]any{
		"replication_channels": int64(2), "replication_master": at(b.m1, 3306), "replication_io_running": "Yes",
		"replication_master[west]": "10.9.9.9:3306", "replication_io_running[west]": "No",
	})
	sql(t, b.m2, "RESET SLAVE 'west' ALL")
	wantSeen(t, look(t, b.replica(), direct(), ample), command.OK, "")
}

func (b *bench) testTooManyConnections(t *testing.T) {
	before := strings.TrimSpace(sql(t, b.m2, "SELECT @@GLOBAL.max_connections; SET GLOBAL max_connections = 10"))
	release := connections(t, at(b.m2, 3306), 10)
	wantSeen(t, look(t, b.replica(), direct(), ample), command.SQLFailure, "login failed: Error 1040")
	release()
	eventually(t, b.replica(), direct(), "letting us in again", running)
	sql(t, b.m2, "SET GLOBAL max_connections = "+before)
}

func (b *bench) testStandsStill(t *testing.T) {
	run(t, b.m2, "pkill -STOP mariadbd", "")
	seen := look(t, b.replica(), direct(), short)
	wantSeen(t, seen, command.DatabaseCommFailure, "connected, no answer within 300ms")
	if seen.Silent || seen.Role != services.Unknown {
		t.Errorf("got %+v", seen)
	}
	run(t, b.m2, "pkill -CONT mariadbd", "")
	eventually(t, b.replica(), direct(), "running again", running)

	reach := beforeQuery("SHOW ALL SLAVES STATUS", func() { run(t, b.m2, "pkill -STOP mariadbd", "") }, func() {})
	seen = look(t, b.replica(), reach, short*3)
	wantSeen(t, seen, command.DatabaseCommFailure, "connected, no complete answer within 900ms during SHOW ALL SLAVES STATUS")
	run(t, b.m2, "pkill -CONT mariadbd", "")
	eventually(t, b.replica(), direct(), "running again", running)
}

func (b *bench) testKilled(t *testing.T) {
	reach := beforeQuery("SHOW ALL SLAVES STATUS",
		func() { run(t, b.m2, "pkill -STOP mariadbd", "") },
		func() { run(t, b.m2, "pkill -KILL mariadbd", "") })
	seen := look(t, b.replica(), reach, ample)
	wantSeen(t, seen, command.DatabaseCommFailure, "during SHOW ALL SLAVES STATUS")
	if strings.Contains(seen.Reason, "no answer") || seen.Silent {
		t.Errorf("got %+v", seen)
	}
	run(t, b.m2, "systemctl restart mariadb", "")
	eventually(t, b.replica(), direct(), "running again", running)
}

func (b *bench) testStopped(t *testing.T) {
	run(t, b.m2, "systemctl stop mariadb", "")
	for _, reach := range []services.Reach{direct(), b.ssh(b.m1)} {
		seen := look(t, b.replica(), reach, ample)
		wantSeen(t, seen, command.DatabaseCommFailure, "connection refused")
		if seen.Silent {
			t.Error("a refusal is no silence")
		}
	}
	run(t, b.m2, "systemctl start mariadb", "")
	eventually(t, b.replica(), direct(), "running again", running)
}
