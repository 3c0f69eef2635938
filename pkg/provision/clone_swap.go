package provision

// Files of a server of the same major version.
const (
	openFiles = `install -d -o mysql -g mysql -m 700 $part
`
	closeFiles = positionScript + `memory=$(awk '/^MemAvailable:/ {print int($2 / 4)}' /proc/meminfo)
mariadb-backup --prepare --target-dir=$part --use-memory="${memory}K" >"$run/prepare.log" 2>&1 || die "the copy cannot be prepared: $(words "$run/prepare.log")"
rm -f $part/xtrabackup_* $part/mariadb_backup_* $part/backup-my.cnf
chown -R mysql: $part
`
	// positionScript finds where in the source's history the copy stands: the third word,
	// in a file whose name depends on the version.
	positionScript = `position=''
for file in $part/xtrabackup_binlog_info $part/mariadb_backup_binlog_info; do
	if [ -e "$file" ]; then position=$(awk 'NR == 1 {print $3}' "$file"); fi
done
`
)

// A dump is loaded by a server of its own, which nobody else reaches and which writes no
// binary log, into a data directory made anew.
const (
	openDump = `mariadb-install-db ` + mariadbMake + ` --user=mysql --datadir=$part --auth-root-authentication-method=socket --skip-test-db >"$run/install.log" 2>&1 || die "cannot make a data directory: $(words "$run/install.log")"
private="--no-defaults --socket=$part/load.sock --user=root"
mariadbd --user=mysql --datadir=$part --socket=$part/load.sock --pid-file=$part/load.pid --skip-networking --skip-log-bin --skip-slave-start \
	--innodb-flush-log-at-trx-commit=0 --max-allowed-packet=1G 9>&- >"$run/server.log" 2>&1 &
server=$! began=$(up)
until mariadb-admin $private ping >/dev/null 2>&1; do
	kill -0 $server 2>/dev/null && [ $(($(up) - began)) -lt 60 ] || die "a server for the dump does not start: $(words "$run/server.log")"
	sleep 0.1
done
`
	closeDump = `position=$(mariadb $private -NBe 'SELECT @@GLOBAL.gtid_slave_pos')
mariadb $private -e 'RESET SLAVE ALL'
mariadb-admin $private shutdown
wait $server || die "the server for the dump did not end well: $(words "$run/server.log")"
rm -f $part/load.* $part/*master.info $part/*relay-*
`
)

// swap puts the copy in the place of the data and has the server serve it; what was
// there goes once it does. See putBack.
const swap = `case $position in
'') die "the copy does not say where in the binary log it stands" ;;
*[!0-9,-]*) die "the copy stands at $position, which is no GTID" ;;
esac
printf 'unit %s\ndonor %s\nposition %s\n' "$unit" "$donor" "$position" >$part/clmgr-cloned
chown mysql: $part/clmgr-cloned
sync -f $part
mkdir -m 700 $old
if [ -e $data/mysql ]; then mv $data/mysql $old; fi
content -exec mv -t $old {} +
: >$old/.out
sync -f $data
find $part -mindepth 1 -maxdepth 1 ! -name mysql -exec mv -t $data {} +
mv $part/mysql $data
rmdir $part
systemctl reset-failed ` + mariadbUnit + ` 2>/dev/null || true
systemctl start ` + mariadbUnit + ` ||
	die "the server does not start with the copy: $(journalctl -q --no-pager -o cat -n 20 -u ` + mariadbUnit + ` | grep -F ERROR | tail -n 3)"
said=$(echo "SET GLOBAL gtid_slave_pos = '$position'" | ` + client + ` 2>&1) || die "it cannot be told where it stands: $said"
: >$old/.done
rm -rf $old "$run"
rmdir ` + cloneRun + ` 2>/dev/null || true
`
