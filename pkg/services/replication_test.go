package services

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clmgr/clmgr/pkg/command"
)

// replicaRow is a row of SHOW REPLICA STATUS with the given differences.
func replicaRow(differ record) record {
	r := record{
		"Source_Host": "10.0.0.1", "Source_Port": "3306",
		"Replica_IO_Running": "Yes", "Replica_SQL_Running": "Yes",
		"Last_IO_Errno": "0", "Last_IO_Error": "", "Last_SQL_Errno": "0", "Last_SQL_Error": "",
		"Seconds_Behind_Source": "0",
	}
	for name, value := range differ {
		r[name] = value
	}
	return r
}

func TestReplicationJudged(t *testing.T) {
	for name, c := range map[string]struct {
		rows   []record
		reason string
	}{
		"runs": {[]record{replicaRow(nil)}, ""},
		"stopped": {
			[]record{replicaRow(record{"Replica_IO_Running": "No", "Replica_SQL_Running": "No"})},
			"replication stopped",
		},
		"SQL thread": {
			[]record{replicaRow(record{"Replica_SQL_Running": "No"})},
			"replication SQL thread stopped",
		},
		"SQL error": {
			[]record{replicaRow(record{"Replica_SQL_Running": "No", "Last_SQL_Errno": "1062", "Last_SQL_Error": "Duplicate entry"})},
			"replication SQL thread stopped: error 1062 Duplicate entry",
		},
		"SQL error with the statement": {
			[]record{replicaRow(record{
				"Replica_SQL_Running": "No", "Last_SQL_Errno": "1396",
				"Last_SQL_Error": "Error 'Operation CREATE USER failed' on query. Default database: ''. Query: 'CREATE USER u IDENTIFIED BY 'unknown to us''",
			})},
			"replication SQL thread stopped: error 1396 Error 'Operation CREATE USER failed'",
		},
		"IO thread": {
			[]record{replicaRow(record{"Replica_IO_Running": "No"})},
			"replication IO thread stopped",
		},
		"IO error, all stopped": {
			[]record{replicaRow(record{
				"Replica_IO_Running": "No", "Replica_SQL_Running": "No",
				"Last_IO_Errno": "1236", "Last_IO_Error": "binlog is gone",
			})},
			"replication IO thread stopped: error 1236 binlog is gone",
		},
		"connecting, with a count of attempts": {
			[]record{replicaRow(record{
				"Replica_IO_Running": "Connecting", "Last_IO_Errno": "2003",
				"Last_IO_Error": "Error connecting to source 'repl@10.0.0.1:3306'. This was attempt 7/86400, with a delay of 60 seconds between attempts. Message: Can't connect",
			})},
			"replication IO thread not connected to 10.0.0.1:3306: error 2003 Can't connect",
		},
		"preparing": {
			[]record{replicaRow(record{"Replica_IO_Running": "Preparing"})},
			"replication IO thread not connected to 10.0.0.1:3306",
		},
		"one of two channels": {
			[]record{replicaRow(record{"Channel_Name": "east"}), replicaRow(record{"Channel_Name": "west", "Replica_SQL_Running": "No"})},
			`replication channel west SQL thread stopped`,
		},
		"both channels": {
			[]record{
				replicaRow(record{"Channel_Name": "east", "Replica_IO_Running": "No"}),
				replicaRow(record{"Channel_Name": "west", "Replica_SQL_Running": "No"}),
			},
			`2 of 2 replication channels stand still: replication channel east IO thread stopped`,
		},
		"nothing is known": {[]record{{"Source_Host": "10.0.0.1"}}, "replication IO thread not connected to 10.0.0.1:"},
	} {
		seen := judge(parseChannels(c.rows), false)
		wantCode := command.OK
		if c.reason != "" {
			wantCode = command.SQLFailure
		}
		if seen.Reason != c.reason || seen.Code != wantCode || seen.Role != Slave || seen.Writable {
			t.Errorf("%s: got %+v, want %s %q", name, seen, wantCode, c.reason)
		}
	}
}

func TestMasterJudged(t *testing.T) {
	for name, rows := range map[string][]record{"no row": nil, "a channel without a host": {replicaRow(record{"Source_Host": ""})}} {
		if seen := judge(parseChannels(rows), false); seen.Role != Master || !seen.Writable || seen.Code != command.OK {
			t.Errorf("%s: got %+v", name, seen)
		}
		if seen := judge(parseChannels(rows), true); seen.Role != Master || seen.Writable {
			t.Errorf("%s, read only: got %+v", name, seen)
		}
	}
}

func TestChannelFacts(t *testing.T) {
	old := record{}
	for name, value := range replicaRow(record{"Gtid_IO_Pos": "0-1-7", "Connection_name": "west", "Last_IO_Errno": "2003", "Last_IO_Error": "no"}) {
		old[strings.NewReplacer("Source", "Master", "Replica", "Slave").Replace(name)] = value
	}
	behind := replicaRow(record{"Seconds_Behind_Source": "12"})
	unknown := replicaRow(nil)
	delete(unknown, "Seconds_Behind_Source") // NULL
	want := map[string]any{
		"replication_channels": int64(3), "replication_master": "10.0.0.1:3306",
		"replication_io_running": "Yes", "replication_sql_running": "Yes", "replication_gtid_received": "",
		"replication_lag_seconds":    int64(12),
		"replication_master[west]":   "10.0.0.1:3306",
		"replication_io_error[west]": "error 2003 no", "replication_lag_seconds[west]": int64(0),
		"replication_io_running[west]": "Yes", "replication_sql_running[west]": "Yes", "replication_gtid_received[west]": "0-1-7",
		"replication_master[far]":     "10.0.0.1:3306",
		"replication_io_running[far]": "Yes", "replication_sql_running[far]": "Yes", "replication_gtid_received[far]": "",
	}
	unknown["Channel_Name"] = "far"
	if diff := cmp.Diff(want, channelFacts(parseChannels([]record{behind, old, unknown}))); diff != "" {
		t.Error(diff)
	}
}

func TestCounterFacts(t *testing.T) {
	want := map[string]any{
		"uptime_seconds": int64(5), "threads_connected": int64(2), "semi_sync_master_clients": int64(1),
		"semi_sync_master_status": true, "semi_sync_slave_status": false, "semi_sync_master_enabled": true,
	}
	for name, counters := range map[string]map[string]string{
		"old words": {
			"uptime": "5", "threads_connected": "2", "rpl_semi_sync_master_clients": "1", "slaves_running": "1",
			"rpl_semi_sync_master_status": "ON", "rpl_semi_sync_slave_status": "OFF", "rpl_semi_sync_master_enabled": "ON",
		},
		"new words": {
			"uptime": "5", "threads_connected": "2", "rpl_semi_sync_source_clients": "1",
			"rpl_semi_sync_source_status": "ON", "rpl_semi_sync_replica_status": "OFF", "rpl_semi_sync_source_enabled": "ON",
		},
	} {
		if diff := cmp.Diff(want, counterFacts(counters)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
