package services_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/services"
)

// mysqlReplicate makes a server a replica of the primary. The replication user, too,
// logs in by caching_sha2_password without TLS.
const mysqlReplicate = `CHANGE REPLICATION SOURCE TO SOURCE_HOST = '%s', SOURCE_USER = 'repl', SOURCE_PASSWORD = 'repl-pass',
	SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1, SOURCE_CONNECT_RETRY = 1; START REPLICA;`

// TestRealMySQL probes Oracle's MySQL, a primary and its replica.
func TestRealMySQL(t *testing.T) {
	l := labtest.Up(t, lab.MySQL(), "m1", "m2")
	primary, replica := l.Machine("m1"), l.Machine("m2")
	setUpMySQL(t, primary, replica)
	master, slave := account(primary, "mysql", "clmgr", canary), account(replica, "mysql", "clmgr", canary)

	t.Run("primary", func(t *testing.T) { testMySQLPrimary(t, master) })
	t.Run("login", func(t *testing.T) { testMySQLLogin(t, primary) })
	t.Run("replica", func(t *testing.T) { testMySQLReplica(t, replica, master, slave) })
}

func setUpMySQL(t *testing.T, primary, replica *lab.Machine) {
	for i, m := range []*lab.Machine{primary, replica} {
		plugin := []string{"semisync_source.so\nloose-rpl-semi-sync-source-enabled=1\nloose-rpl-semi-sync-source-timeout=500", "semisync_replica.so\nloose-rpl-semi-sync-replica-enabled=1\nsuper-read-only"}[i]
		config := fmt.Sprintf("[mysqld]\nbind-address=0.0.0.0\nmysqlx=OFF\nserver-id=%d\ngtid-mode=ON\nenforce-gtid-consistency\nplugin-load-add=%s\n", i+1, plugin)
		run(t, m, "cat > /etc/mysql/mysql.conf.d/zz-test.cnf && systemctl start mysql", config)
	}
	mysql(t, primary, fmt.Sprintf(`CREATE USER repl IDENTIFIED BY 'repl-pass'; GRANT REPLICATION SLAVE ON *.* TO repl;
		CREATE USER clmgr IDENTIFIED BY '%s'; GRANT REPLICATION CLIENT ON *.* TO clmgr;
		CREATE USER poor IDENTIFIED BY '%s';
		CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY);`, canary, canary))
	mysql(t, replica, fmt.Sprintf(mysqlReplicate, primary.IP()))
}

// mysql runs statements on the machine's server as root.
func mysql(t *testing.T, m *lab.Machine, statements string) string {
	t.Helper()
	return run(t, m, "mysql -N", statements)
}

func testMySQLPrimary(t *testing.T, master services.Target) {
	seen := eventually(t, master, direct(), "a primary with a semi-sync replica", func(seen services.Observation) bool {
		return running(seen) && seen.Facts["semi_sync_master_clients"] == int64(1) && seen.Facts["semi_sync_master_status"] == true
	})
	if seen.Role != services.Master || !seen.Writable || seen.Silent {
		t.Errorf("got %+v", seen)
	}
	wantFacts(t, seen, map[string]any{
		"server": "mysql", "server_mismatch": nil, "read_only": false, "super_read_only": false,
		"semi_sync_master_enabled": true, "replication_channels": int64(0),
	})
	if position, _ := seen.Facts["gtid_position"].(string); !strings.Contains(position, ":1-") {
		t.Errorf("GTID position %q", position)
	}
	master.Mode = "mariadb"
	seen = look(t, master, direct(), ample)
	wantSeen(t, seen, command.OK, "")
	wantFacts(t, seen, map[string]any{"server_mismatch": "mode is mariadb, but the server is mysql"})
}

func testMySQLLogin(t *testing.T, primary *lab.Machine) {
	target := account(primary, "mysql", "clmgr", canary)
	for word, c := range map[string]struct {
		code   command.Code
		reason string
	}{
		"off": {command.OK, ""}, "preferred": {command.OK, ""}, "skip-verify": {command.OK, ""},
		"required": {command.DatabaseCommFailure, "certificate"},
	} {
		mysql(t, primary, "FLUSH PRIVILEGES") // forgets who has logged in: the next login must prove itself in full
		target.TLS = word
		wantSeen(t, look(t, target, direct(), ample), c.code, c.reason)
	}
	wrong, empty := account(primary, "mysql", "clmgr", "c4nary-wrong"), account(primary, "mysql", "clmgr", "")
	wantSeen(t, look(t, wrong, direct(), ample), command.SQLFailure, "access denied for user clmgr (password given)")
	wantSeen(t, look(t, empty, direct(), ample), command.SQLFailure, "access denied for user clmgr (no password given)")
	seen := look(t, account(primary, "mysql", "poor", canary), direct(), ample)
	wantSeen(t, seen, command.OK, "replication state not visible: needs the REPLICATION CLIENT privilege")
	if seen.Role != services.Unknown || seen.Writable {
		t.Errorf("without the privilege: got %+v", seen)
	}
}

func testMySQLReplica(t *testing.T, replica *lab.Machine, master, slave services.Target) {
	position := look(t, master, direct(), ample).Facts["gtid_position"]
	seen := eventually(t, slave, direct(), "a replica that has caught up", func(seen services.Observation) bool {
		return running(seen) && seen.Facts["gtid_position"] == position && seen.Facts["replication_lag_seconds"] == int64(0)
	})
	if seen.Role != services.Slave || seen.Writable {
		t.Errorf("got %+v", seen)
	}
	wantFacts(t, seen, map[string]any{
		"read_only": true, "super_read_only": true, "replication_channels": int64(1), "replication_master": master.Addr,
		"replication_io_running": "Yes", "replication_sql_running": "Yes", "replication_lag_seconds": int64(0),
		"semi_sync_slave_enabled": true, "semi_sync_slave_status": true,
	})
	for statement, reason := range map[string]string{
		"STOP REPLICA SQL_THREAD": "replication SQL thread stopped",
		"STOP REPLICA IO_THREAD":  "replication IO thread stopped",
		"STOP REPLICA":            "replication stopped",
		"STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_PORT=1; START REPLICA;": "replication IO thread not connected to " + strings.TrimSuffix(master.Addr, "3306") + "1: error 2003",
	} {
		mysql(t, replica, statement)
		seen := eventually(t, slave, direct(), "stopped", func(seen services.Observation) bool { return strings.HasPrefix(seen.Reason, reason) })
		wantSeen(t, seen, command.SQLFailure, reason)
		if strings.Contains(seen.Reason, "attempt") || seen.Role != services.Slave {
			t.Errorf("%s: got %+v", statement, seen)
		}
		mysql(t, replica, "STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_PORT=3306; START REPLICA")
		eventually(t, slave, direct(), "replicating again", running)
	}
}
