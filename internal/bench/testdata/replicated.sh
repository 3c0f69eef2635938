# What an operator does to have a replica on two new machines: hand PRIMARY REPLICA; KEY and
# DIR are set. The configuration is there before the packages, whose installation starts the
# server with it.
set -euo pipefail
primary=$1 replica=$2
options=(-i "$KEY" -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile="$DIR/known" -o BatchMode=yes -o LogLevel=ERROR
	-o ConnectTimeout=2 -o ControlMaster=auto -o ControlPath="$DIR/%h" -o ControlPersist=600)
on() { ssh "${options[@]}" "root@$1" "$2"; }

serve() { # IP ID READ_ONLY
	until on "$1" true 2>/dev/null; do sleep 0.2; done
	on "$1" "set -e; export DEBIAN_FRONTEND=noninteractive
mkdir -p /etc/mysql/mariadb.conf.d
cat >/etc/mysql/mariadb.conf.d/99-own.cnf <<'CNF'
[mariadbd]
port = 3306
bind-address = 0.0.0.0
skip_name_resolve = 1
server_id = $2
gtid_domain_id = 0
gtid_strict_mode = 1
log_bin = mariadb-bin
relay_log = mariadb-relay-bin
log_slave_updates = 1
binlog_format = ROW
sync_binlog = 1
innodb_flush_log_at_trx_commit = 1
read_only = $3
CNF
apt-get -q update; apt-get -q install -y --no-install-recommends mariadb-server mariadb-backup
systemctl enable --quiet mariadb
mariadb <<'SQL'
SET SESSION sql_log_bin = 0;
CREATE OR REPLACE USER clmgr IDENTIFIED BY 'database';
GRANT SLAVE MONITOR ON *.* TO clmgr;
CREATE OR REPLACE USER copies IDENTIFIED BY 'copies';
GRANT REPLICATION SLAVE ON *.* TO copies;
SQL"
}

serve "$primary" 1 0 & one=$!
serve "$replica" 2 1 & two=$!
wait $one
wait $two
on "$replica" "mariadb -e \"CHANGE MASTER TO MASTER_HOST = '$primary', MASTER_PORT = 3306, MASTER_USER = 'copies', MASTER_PASSWORD = 'copies', MASTER_USE_GTID = slave_pos; START SLAVE\""
on "$primary" "mariadb -e \"CREATE DATABASE proof; CREATE TABLE proof.rows (id INT PRIMARY KEY); INSERT INTO proof.rows VALUES (7)\""
on "$replica" "for n in \$(seq 200); do if [ \"\$(mariadb -NBe 'SELECT id FROM proof.rows' 2>/dev/null)\" = 7 ]; then exit 0; fi; sleep 0.1; done; mariadb -e 'SHOW SLAVE STATUS\\G'; exit 1"
for ip in "$primary" "$replica"; do ssh "${options[@]}" -O exit "root@$ip"; done
