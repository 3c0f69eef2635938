// Package services knows the service modes: how each is probed, in the protocol
// it really speaks. What comes in is a Target and the ways to reach it; what goes
// out is an Observation, never an error: a probe that fails has observed that.
//
//	Target, Reach ──► Probe ──► mode built in? ─► mariadb.go mysql.go memcache.go
//	                    │       or described?  ─► tcp_check.go http_check.go command_check.go
//	                    ▼
//	              Observation{Code, Reason, Role, Writable, Silent, Facts}
//
// A probe holds one connection and is bounded by its context, whatever the far side
// does: says nothing, drips, floods, or speaks another protocol.
//
// # Codes
//
//	000000  it does its job
//	ER0001  a database talks, but login or a query fails, or it is a replica one of
//	        whose channels has a thread that does not run (still connecting included)
//	ER0002  a command, or any probe through SSH: the machine was not reached
//	ER0003  no communication: no connection, no answer, or another protocol;
//	        for tcp and http checks: no connection, or not one byte of answer
//	ER0005  memcache: the same
//	ER0007  tcp and http checks: it answers, but not as expected
//	ER0018  command: another exit code or output than expected, or no end in time
//	ER0103  the target cannot be probed as it is described
//	ER0106  the probe was cancelled: nothing was seen
//
// # Facts
//
// Every database: server (mariadb or mysql), server_mismatch (where the mode names
// the other kind), version, read_only, gtid_position, uptime_seconds,
// threads_connected, replication_channels, and where the server tells them
// semi_sync_master_enabled, semi_sync_master_status, semi_sync_master_clients,
// semi_sync_slave_enabled, semi_sync_slave_status. MariaDB adds gtid_binlog_position
// (gtid_position is its gtid_current_pos), MySQL super_read_only (gtid_position is its
// gtid_executed). replication_hidden stands there instead of the channels where the
// user may not see them.
//
// Every replication channel, a named one with its name in brackets after the key as
// in replication_master[west]: replication_master (host:port), replication_io_running,
// replication_sql_running (the server's words), replication_gtid_received,
// replication_lag_seconds (absent where the server does not know it, which is not
// zero), replication_io_error, replication_sql_error (absent where there is none).
//
// memcache: version, uptime_seconds, curr_connections, curr_items, bytes,
// limit_maxbytes, evictions. http: http_status. tcp and command have none.
package services
