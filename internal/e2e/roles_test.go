package e2e_test

import (
	"fmt"
	"testing"
)

// copyAs is the user that replicas of these tests log in with, and its password: the
// lab keeps that of its own to itself.
const (
	copyAs       = "mover"
	copyPassword = "e2e-mover-e2e"
)

// copyFrom makes a database a replica of another, from where it stands, and waits
// until it replicates.
func (s *site) copyFrom(t *testing.T, replica, primary string) {
	t.Helper()
	s.sql(t, replica, fmt.Sprintf(`SET GLOBAL read_only = 1;
SET GLOBAL gtid_slave_pos = @@gtid_current_pos;
CHANGE MASTER TO MASTER_HOST='%s', MASTER_USER='%s', MASTER_PASSWORD='%s', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1;
START SLAVE;`, s.ip(primary), copyAs, copyPassword))
	position := s.sql(t, primary, "SELECT @@gtid_binlog_pos")
	if got := s.sql(t, replica, fmt.Sprintf("SELECT MASTER_GTID_WAIT('%s', 20)", position)); got != "0" {
		t.Fatalf("%s does not follow %s: %s", replica, primary, got)
	}
	eventually(t, "replication that runs", func() bool {
		return s.sql(t, replica, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE '%has read all relay log%'") != "0"
	})
}

// standAlone makes a database take writes and replicate from nobody.
func (s *site) standAlone(t *testing.T, name string) {
	t.Helper()
	s.sql(t, name, "STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = 0;")
}

// roleChanges are made by hand on the machines: a switchover, two primaries at once,
// and the way back.
func roleChanges(t *testing.T, s *site) {
	for _, name := range []string{"m1", "m2"} {
		s.sql(t, name, fmt.Sprintf(`SET sql_log_bin = 0;
CREATE OR REPLACE USER %[1]s@'10.213.%%' IDENTIFIED BY '%[2]s';
GRANT REPLICATION SLAVE ON *.* TO %[1]s@'10.213.%%';`, copyAs, copyPassword))
	}
	m := newManager(t, s.sample())
	m.heartbeat(0)

	s.sql(t, "m1", "SET GLOBAL read_only = 1;")
	s.sql(t, "m2", fmt.Sprintf("SELECT MASTER_GTID_WAIT('%s', 20)", s.sql(t, "m1", "SELECT @@gtid_binlog_pos")))
	s.standAlone(t, "m2")
	s.copyFrom(t, "m1", "m2")
	switched := m.heartbeat(0)
	wantEvents(t, switched.Events,
		"demo/services/node10: running → running, master → slave",
		"demo/services/node11: running → running, slave → master")
	if e := switched.service(t, "node11"); e.Status != "master" || !e.Writable {
		t.Errorf("node11 is %+v", e)
	}

	s.standAlone(t, "m1")
	split := m.heartbeat(3)
	wantEvents(t, split.Events,
		"demo/services/node10: running → running, slave → master",
		"demo/clusters/demo: consistent → two-primaries")
	if reason := split.entry(t, "demo/clusters/demo").Reason; reason != "writable primaries: node10, node11" {
		t.Errorf("reason %q", reason)
	}
	wantEvents(t, m.heartbeat(3).Events)
	wantEvents(t, m.heartbeat(3, "m3").Events) // nothing about it was looked at, so it stands

	s.copyFrom(t, "m2", "m1")
	wantEvents(t, m.heartbeat(0).Events,
		"demo/services/node11: running → running, master → slave",
		"demo/clusters/demo: two-primaries → consistent")
}
