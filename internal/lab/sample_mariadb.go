package lab

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"
)

// settings are those of both servers. What is written is on disk before it is
// acknowledged, so that pulling a power cord loses nothing.
const settings = `[mariadbd]
bind_address = 0.0.0.0
skip_name_resolve = ON
log_bin = binlog
log_slave_updates = ON
sync_binlog = 1
innodb_flush_log_at_trx_commit = 1
innodb_buffer_pool_size = 32M
gtid_strict_mode = ON
relay_log = relay
slave_net_timeout = 5
rpl_semi_sync_master_timeout = 2000
`

// A replica with the primary's half of semi-synchronous replication switched on would wait
// for a replica of its own.
const (
	primarySettings = settings + "server_id = 10\nrpl_semi_sync_master_enabled = ON\n"
	replicaSettings = settings + "server_id = 11\nrpl_semi_sync_slave_enabled = ON\nread_only = ON\n"
)

// startMariaDB configures and starts a server and makes its users: clmgr, who may see
// how replication stands and nothing else, and replica, who may copy. They are made on
// each server by itself and kept out of the binary log, which would show the passwords.
func (s sample) startMariaDB(ctx context.Context, name, settings string) error {
	m := s.lab.Machine(name)
	const file = "/etc/mysql/mariadb.conf.d/90-sample.cnf"
	if err := m.Write(ctx, file, 0o644, strings.NewReader(settings)); err != nil {
		return err
	}
	if _, _, err := m.Run(ctx, "systemctl enable --now --quiet mariadb", nil); err != nil {
		return err
	}
	_, err := sql(ctx, m, fmt.Sprintf(`SET sql_log_bin = 0;
CREATE USER clmgr@'10.213.%%' IDENTIFIED BY '%s';
GRANT SLAVE MONITOR ON *.* TO clmgr@'10.213.%%';
CREATE USER replica@'10.213.%%' IDENTIFIED BY '%s';
GRANT REPLICATION SLAVE ON *.* TO replica@'10.213.%%';`, s.password, s.copying))
	return err
}

// replicate makes m2 follow m1 and waits until a row has come over.
func (s sample) replicate(ctx context.Context) error {
	primary, replica := s.lab.Machine("m1"), s.lab.Machine("m2")
	if _, err := sql(ctx, replica, fmt.Sprintf(`CHANGE MASTER TO MASTER_HOST='%s',
	MASTER_USER='replica', MASTER_PASSWORD='%s', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1;
START SLAVE;`, primary.IP(), s.copying)); err != nil {
		return err
	}
	// Until a replica is there the primary waits for one with every transaction.
	var status string
	err := poll(ctx, 20*time.Second, func() bool {
		status, _ = sql(ctx, primary, "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_master_clients';")
		return strings.HasSuffix(status, "\t1")
	})
	if err != nil {
		return fmt.Errorf("the replica did not connect: %w", err)
	}
	return s.prove(ctx, primary, replica)
}

// prove writes a row on the primary and finds it on the replica.
func (sample) prove(ctx context.Context, primary, replica *Machine) error {
	token := rand.Text()
	position, err := sql(ctx, primary, fmt.Sprintf(`CREATE DATABASE demo;
CREATE TABLE demo.proof (id INT AUTO_INCREMENT PRIMARY KEY, token VARCHAR(40) NOT NULL);
INSERT INTO demo.proof (token) VALUES ('%s');
SELECT @@gtid_binlog_pos;`, token))
	if err != nil {
		return err
	}
	seen, err := sql(ctx, replica, fmt.Sprintf(`SELECT MASTER_GTID_WAIT('%s', 20);
SELECT token FROM demo.proof;`, position))
	if err != nil {
		return err
	}
	if seen != "0\n"+token {
		return fmt.Errorf("the replica did not get the row written on the primary: it has %q", seen)
	}
	return nil
}

// sql runs statements as the machine's root, who needs no password, and returns the
// values found, one row a line. The statements go by standard input: they hold secrets.
func sql(ctx context.Context, m *Machine, statements string) (string, error) {
	out, _, err := m.Run(ctx, "mariadb --batch --skip-column-names", strings.NewReader(statements))
	return strings.TrimSpace(string(out)), err
}
