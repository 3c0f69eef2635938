// Package services knows the service modes: how each is probed, in the protocol
// it really speaks, and how it is started and stopped. What comes in to a probe is a
// Target and the ways to reach it; what goes out is an Observation, never an error: a
// probe that fails has observed that.
//
//	Target, Reach ──► Probe ──► mode built in? ─► mariadb.go mysql.go galera.go memcache.go
//	                    │                         mysql_proxy.go haproxy.go keepalived.go
//	                    │       or described?  ─► tcp_check.go http_check.go command_check.go
//	                    ▼
//	              Observation{Code, Reason, Role, Writable, HoldsVIP, Silent, Facts}
//
// A probe holds one connection and is bounded by its context, whatever the far side
// does: says nothing, drips, floods, or speaks another protocol.
//
// # Starting and stopping
//
//	Control, Step ──► Apply ──► unit.go: as wanted already? ─► one look, nothing changes
//	                    │                    no
//	                    ▼
//	               pkg/remote/job: systemctl, or the configured command, once
//	                    ▼
//	               unit.go: look again ──► Applied, or why it does not run
//
// What is controlled by commands has no unit to look at: there the exit status counts,
// and whether it does its job is the caller's to probe.
//
// # Codes
//
//	000000  it does its job
//	ER0001  a database talks, but login or a query fails, or it is a replica one of
//	        whose channels has a thread that does not run (still connecting included);
//	        galera: also a node that is not synced in the primary component (a donor
//	        included), or not ready
//	ER0002  a command, or any probe through SSH: the machine was not reached
//	ER0003  no communication: no connection, no answer, or another protocol;
//	        for haproxy, tcp and http checks: no connection, or not one byte of answer;
//	        keepalived: it does not run
//	ER0005  memcache: the same
//	ER0007  haproxy, tcp and http checks: it answers, but not as expected; that is also
//	        a backend of haproxy none of whose servers is up, be they down, drained or
//	        in maintenance; keepalived: the FAULT state, or stopped by a signal
//	ER0018  command: another exit code or output than expected, or no end in time;
//	        keepalived: the machine was reached, and the look failed there
//	ER0103  the target cannot be probed as it is described
//	ER0106  the probe was cancelled: nothing was seen
//
// # Roles
//
// A database is master or slave by replication. A galera node that is synced is master
// where it takes writes, slave where it is read only or replicates from a server outside
// the cluster; it is never Writable, for it replicates from its peers. A keepalived is
// master where its machine holds the VIP, else slave; for one without a VIP the journal
// says. A role that was not seen is Unknown; of other modes it is NA.
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
// galera adds, under the server's names, wsrep_ready, wsrep_connected,
// wsrep_cluster_status, wsrep_cluster_size, wsrep_cluster_state_uuid,
// wsrep_cluster_conf_id, wsrep_local_state_comment, wsrep_local_recv_queue,
// wsrep_local_send_queue, wsrep_local_cert_failures, wsrep_last_committed,
// wsrep_provider_version, wsrep_flow_control_paused (a share from 0 to 1),
// wsrep_flow_control_sent and wsrep_flow_control_recv.
//
// mysql-proxy, of the server that answered: backend_version, backend_hostname,
// backend_server_id.
//
// haproxy: backends (those with servers), servers_up, servers_down, servers_drain,
// servers_maint, the same with a backend in brackets as in servers_up[db], where there
// are any; server[db/m1] is the status of a server that is not simply up. By the socket
// also version, uptime_seconds, curr_connections.
//
// keepalived: processes, and where the SSH user may read the journal vrrp_state[V1] for
// each VRRP instance.
//
// memcache: version, uptime_seconds, curr_connections, curr_items, bytes,
// limit_maxbytes, evictions. http: http_status. tcp and command have none.
package services
