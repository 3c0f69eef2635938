package services

// mariadbDriver probes MariaDB.
func mariadbDriver() driver {
	return driver{
		info:  ModeInfo{Type: TypeDB, Port: databasePort, Roles: true, Unit: "mariadb", Several: true, Packages: []string{"mariadb-server", "mariadb-backup"}},
		probe: databaseProbe("mariadb"),
	}
}

// mariadbDialect asks as MariaDB 10.3 and later understand it, where semi-synchronous
// replication is built in.
func mariadbDialect() dialect {
	return dialect{
		name: "mariadb",
		basics: basics + `,
			@@GLOBAL.gtid_current_pos AS gtid_position,
			@@GLOBAL.gtid_binlog_pos AS gtid_binlog_position,
			@@GLOBAL.rpl_semi_sync_master_enabled AS semi_sync_master_enabled,
			@@GLOBAL.rpl_semi_sync_slave_enabled AS semi_sync_slave_enabled`,
		counters: []string{`SHOW GLOBAL STATUS WHERE Variable_name IN ('Uptime', 'Threads_connected', 'Slaves_running',
			'Rpl_semi_sync_master_status', 'Rpl_semi_sync_master_clients', 'Rpl_semi_sync_slave_status')`},
		replicas: []string{"SHOW ALL SLAVES STATUS"},
		monitor:  "SLAVE MONITOR",
	}
}
