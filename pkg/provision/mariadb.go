package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/secret"
)

// MariaDB is a MariaDB that clmgr lays out, as Debian's package runs it: by the unit
// mariadb, with its data in /var/lib/mysql; further ones of a machine by units mariadb@NAME,
// with theirs in /var/lib/mysql-NAME.
type MariaDB struct {
	Name     string
	Unit     string
	Port     uint16
	ServerID int
	// MemPct is the size of the buffer pool, in percent of the machine's memory; 0
	// leaves the server's own default of 128 MiB.
	MemPct int
	// Settings are further lines of its configuration, after clmgr's own. They are those of
	// somebody who has seen to it that none is one of clmgr's. A server that is adopted as it
	// runs takes them when it is started next.
	Settings []string
	// Replica starts it read_only.
	Replica bool
	// SemiSync is how long a commit waits until a replica has it on its disk too; 0 for not
	// at all.
	SemiSync time.Duration
	Accounts []Account
	// Health answers balancers beside it; nil for nobody.
	Health *Health
	// Beside are the names of other services that are configured on its machine: what is
	// theirs is not taken for its own, whatever the unit.
	Beside []string
}

// Account is an account of the database, which may log in from everywhere.
type Account struct {
	User     string
	Password secret.Value
	// Socket says that it logs in on the machine only, as the user of that name there, and
	// has no password.
	Socket bool
	// Privileges are all that it has, on everything, as information_schema names them.
	Privileges []string
}

// The privileges of the accounts that clmgr makes.
const (
	// MonitorPrivilege shows how replication stands: https://mariadb.com/kb/en/grant/
	MonitorPrivilege = "SLAVE MONITOR"
	// CopyPrivilege lets a replica read what the primary writes.
	CopyPrivilege = "REPLICATION SLAVE"
)

func (d MariaDB) place() place { return placeOf(d.Unit) }

// check says why clmgr cannot manage it.
func (d MariaDB) check() error {
	if err := d.place().check(d.Unit); err != nil {
		return err
	}
	users := map[string]bool{"root": true, "mysql": true, "mariadb.sys": true} // the server's own
	for _, a := range d.Accounts {
		if users[a.User] {
			return fmt.Errorf("the account %s is the server's own, or given twice: database and replication each need one", a.User)
		}
		users[a.User] = true
		if a.User == "" || a.Password.Empty() {
			return errors.New("the configuration must name the user and the password of database, and those of replication where there are replicas")
		}
		if strings.ContainsAny(a.User, "'\\`\x00") {
			return fmt.Errorf("%q cannot be the name of an account", a.User)
		}
	}
	return nil
}

// Install lays it out: the configuration, the data directory where there is none, the
// accounts. A running server is restarted where its configuration changes; the old one
// comes back where the server does not take the new one. Data that clmgr has not made
// are left alone, and are an error.
func (d MariaDB) Install(ctx context.Context, m job.Machine) (changed bool, err error) {
	if changed, err = d.install(ctx, m); err != nil {
		return false, fmt.Errorf("cannot install %s: %w", d.Name, err)
	}
	return changed, nil
}

func (d MariaDB) install(ctx context.Context, m job.Machine) (bool, error) {
	seen, err := d.look(ctx, m)
	if err != nil {
		return false, err
	}
	if len(seen.lacks(d)) == 0 {
		return false, nil
	}
	if seen.foreign() {
		return false, d.somebodys(seen)
	}
	if _, err := d.place().run(ctx, m, d.place().layOut(), strings.NewReader(d.confOf(seen))); err != nil {
		return false, err
	}
	if seen, err = d.look(ctx, m); err != nil {
		return false, err
	}
	if !seen.health {
		if _, err := run(ctx, m, d.Health.script(d.place()), nil); err != nil {
			return false, fmt.Errorf("what answers balancers: %w", err)
		}
	}
	if statements := d.accountStatements(seen); statements != "" {
		if _, err := d.place().run(ctx, m, client, strings.NewReader(statements)); err != nil {
			return false, fmt.Errorf("its accounts: %w", err)
		}
		if seen, err = d.look(ctx, m); err != nil {
			return false, err
		}
	}
	if left := seen.lacks(d); len(left) > 0 {
		return false, fmt.Errorf("done, and still: %s", strings.Join(left, "; "))
	}
	return true, nil
}

// Spare is an error where there are data that clmgr has not made.
func (d MariaDB) Spare(ctx context.Context, m job.Machine) error {
	seen, err := d.look(ctx, m)
	if err == nil && seen.foreign() {
		err = d.somebodys(seen)
	}
	if err != nil {
		return fmt.Errorf("cannot install %s: %w", d.Name, err)
	}
	return nil
}

func (d MariaDB) somebodys(s mariadbSeen) error {
	return fmt.Errorf("%s holds data that clmgr has not made (%s): clmgr services adopt %s takes it over; else move it away, or leave the service unmanaged",
		d.place().data(), strings.Join(s.databases, ", "), d.Name)
}

// client runs the statements on standard input, which are UTF-8, as root, through the
// server's socket.
const client = namingClient + " --skip-column-names"

// namingClient tells the names of columns too, which it needs for answers that end in \G.
const namingClient = "mariadb --no-defaults " + mariadbAt + " --default-character-set=utf8mb4 --batch --user=root"

// makeData is the script that makes a data directory, aside. It is moved in by renames,
// and what says that there is data goes last: a try that finds less goes on from there.
const makeData = `part=$data/.clmgr-part ready=$data/.clmgr-ready
if ! [ -e $data ]; then install -d -o mysql -g mysql -m 700 $data; fi
if ! [ -e $data/mysql ] && ! [ -e $ready ]; then
	rm -rf $part
	there=$(ls -A $data | grep -vxE 'lost\+found|debian-.*\.flag|clmgr-managed' | head -n 5 | xargs || true)
	if [ "$there" ]; then echo "$data holds no database, but $there: move it away" >&2; exit 5; fi
	mariadb-install-db ` + mariadbMake + ` --user=mysql --datadir=$part --auth-root-authentication-method=socket --skip-test-db >/dev/null
	mv $part $ready
fi
if [ -e $ready ]; then
	find $ready -mindepth 1 -maxdepth 1 ! -name mysql -exec mv -t $data {} +
	if [ -e $ready/mysql ]; then mv $ready/mysql $data; fi
	rmdir $ready
fi
`

// confBegin puts the configuration, which comes on standard input, beside its place.
func (p place) confBegin() string {
	return "set -eu\numask 022\n" + aloneHere + p.unitScript() + confBeside
}

const confBeside = `conf=` + mariadbConf + ` old=` + mariadbOld + ` data=` + mariadbData + ` mark=` + mariadbMark + `
new=$conf.clmgr-new
trap 'rm -f "$new"' EXIT
cat >"$new"
chmod 644 "$new"
`

// confSwap puts it in its place.
const confSwap = `changed=
if [ -e $old ]; then changed=1; fi
if ! cmp -s "$new" $conf; then
	# The server itself says whether it understands it.
	said=$(mariadbd --defaults-file="$new" --user=mysql --verbose --help 2>&1 >/dev/null) || { echo "the server refuses the configuration: $said" >&2; exit 3; }
	if ! [ -e $old ]; then
		if [ -e $conf ]; then cp -p $conf $old.part; else : >$old.part; fi
		sync $old.part
		mv -f $old.part $old
	fi
	sync "$new"
	mv -f "$new" $conf
	changed=1
fi
`

// confTake has the server run with it, or else with the old one.
const confTake = calming + `systemctl reset-failed ` + mariadbUnit + ` 2>/dev/null || true
verb=start
if [ "$changed" ]; then verb=restart; calm; fi
if ! systemctl $verb ` + mariadbUnit + `; then
	why=$(journalctl -q --no-pager -o cat -n 20 -u ` + mariadbUnit + ` | grep -F ERROR | tail -n 3 || true)
	if [ "$changed" ]; then
		if [ -s $old ]; then mv -f $old $conf; else rm -f $conf $old; fi
		systemctl reset-failed ` + mariadbUnit + ` 2>/dev/null || true
		systemctl restart ` + mariadbUnit + ` && echo "the old configuration serves again" >&2
	fi
	echo "the server does not start: $why" >&2
	exit 4
fi
rm -f $old
`

// enableUnit has the unit start at boot. To look first is sixty times as fast where it does.
const enableUnit = `systemctl is-enabled --quiet ` + mariadbUnit + ` || systemctl enable --quiet ` + mariadbUnit

// layOut is the script that brings unit, configuration (on standard input) and data to
// where they should be, and has the server run.
func (p place) layOut() string { return p.confBegin() + dataAndConf }

const dataAndConf = `(
` + cloneNames + putBack + `putBack
rm -rf $part
)
` + makeData + confSwap + `if ! [ -e $mark ]; then echo 'Made by clmgr, which may change what is here.' >$mark; chown mysql: $mark; fi
` + enableUnit + `
` + confTake

// configure is the script that brings the configuration alone there. A server that does not
// run says at its next start whether it takes it; until then the old one is kept.
func (p place) configure() string {
	return p.confBegin() + confSwap + "if systemctl is-active --quiet " + mariadbUnit + "; then\n" + confTake + "fi\n"
}

// conf is the configuration, for a machine of so many KiB.
func (d MariaDB) conf(memory int64) string {
	pool := ""
	if d.MemPct > 0 {
		pool = fmt.Sprintf("innodb_buffer_pool_size = %dM\n", max(memory*int64(d.MemPct)/100/1024, 16))
	}
	readOnly := 0
	if d.Replica {
		readOnly = 1
	}
	first, last := d.place().settings()
	return confHead(d.Name) + first + fmt.Sprintf(`[mariadbd]
port = %d
bind-address = 0.0.0.0
skip_name_resolve = 1
server_id = %d
gtid_domain_id = 0
gtid_strict_mode = 1
log_bin = mariadb-bin
relay_log = mariadb-relay-bin
log_slave_updates = 1
binlog_format = ROW
sync_binlog = 1
innodb_flush_log_at_trx_commit = 1
read_only = %d
%s`, d.Port, d.ServerID, readOnly, pool) + d.semiSync() + d.further() + last
}

// further are the lines of Settings.
func (d MariaDB) further() string {
	if len(d.Settings) == 0 {
		return ""
	}
	return "# The configuration's own settings.\n" + strings.Join(d.Settings, "\n") + "\n"
}
