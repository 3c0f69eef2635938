package provision

import (
	"context"
	"fmt"
	"strings"
)

// semiSync is the part of the configuration. Both sides are on everywhere, so that a
// handover changes nothing but who waits. A commit waits before others see it: what a
// client has seen cannot be lost with the primary. A replica would wait for replicas of
// its own before it goes on, unless told not to where it has none.
// https://mariadb.com/kb/en/semisynchronous-replication/
func (d MariaDB) semiSync() string {
	if d.SemiSync == 0 {
		return ""
	}
	alone := 1
	if d.Replica {
		alone = 0
	}
	return fmt.Sprintf(`rpl_semi_sync_master_enabled = 1
rpl_semi_sync_slave_enabled = 1
rpl_semi_sync_master_timeout = %d
rpl_semi_sync_master_wait_point = AFTER_SYNC
rpl_semi_sync_master_wait_no_slave = %d
`, d.SemiSync.Milliseconds(), alone)
}

// waitAlone and goAlone change that where roles change.
const (
	waitAlone = "SET GLOBAL rpl_semi_sync_master_wait_no_slave = 1;\n"
	goAlone   = "SET GLOBAL rpl_semi_sync_master_wait_no_slave = 0;\n"
)

// semiSyncAgain has a replica ask its source for it, which it does when it connects.
const semiSyncAgain = "STOP SLAVE IO_THREAD;\nSTART SLAVE;\n"

// semiSynced says what keeps the source from waiting for replicas; empty for nothing.
func (r Replica) semiSynced(ctx context.Context) (missing string, err error) {
	if !r.SemiSync {
		return "", nil
	}
	out, err := r.source(ctx, client, strings.NewReader(`SELECT GROUP_CONCAT(VARIABLE_VALUE ORDER BY VARIABLE_NAME SEPARATOR ' ')
  FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN ('RPL_SEMI_SYNC_MASTER_CLIENTS', 'RPL_SEMI_SYNC_MASTER_STATUS')`))
	if err != nil {
		return "", fmt.Errorf("cannot see whether its source waits for replicas: %w", err)
	}
	switch clients, status, _ := strings.Cut(strings.TrimSpace(out), " "); {
	case status != "ON":
		return "its source does not wait for replicas: semi-synchronous replication is " + status, nil
	case clients == "0":
		return "its source knows no replica that it could wait for", nil
	}
	return "", nil
}
