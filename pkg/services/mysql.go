package services

// mysqlDriver probes MySQL.
func mysqlDriver() driver {
	return driver{
		info:  ModeInfo{Type: TypeDB, Port: databasePort, Roles: true, Unit: "mysql"},
		probe: databaseProbe("mysql"),
	}
}

// mysqlDialect asks as MySQL 5.7 and later understand it. Semi-synchronous replication
// is a plugin, whose variables exist only where it is loaded: SHOW leaves out what
// does not exist, where SELECT would fail.
func mysqlDialect() dialect {
	return dialect{
		name: "mysql",
		basics: basics + `,
			@@GLOBAL.super_read_only AS super_read_only,
			@@GLOBAL.gtid_executed AS gtid_position`,
		counters: []string{
			`SHOW GLOBAL STATUS WHERE Variable_name IN ('Uptime', 'Threads_connected',
				'Rpl_semi_sync_source_status', 'Rpl_semi_sync_source_clients', 'Rpl_semi_sync_replica_status',
				'Rpl_semi_sync_master_status', 'Rpl_semi_sync_master_clients', 'Rpl_semi_sync_slave_status')`,
			`SHOW GLOBAL VARIABLES LIKE 'rpl_semi_sync%enabled'`,
		},
		replicas: []string{"SHOW REPLICA STATUS", "SHOW SLAVE STATUS"},
		monitor:  "REPLICATION CLIENT",
	}
}
