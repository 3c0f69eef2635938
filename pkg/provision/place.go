package provision

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// place is where a MariaDB is on its machine. The zero value is the one that Debian's
// package runs, by the unit mariadb. Any other one is an instance of the package's unit
// mariadb@, and has nothing in common with the first: neither configuration nor data.
type place struct{ instance string }

const (
	packageUnit    = "mariadb"
	instancePrefix = packageUnit + "@"
)

// placeOf is where a unit's database is. Units of other names count as the package's.
func placeOf(unit string) place {
	name, _ := strings.CutPrefix(unit, instancePrefix)
	if name == unit {
		name = ""
	}
	return place{name}
}

// check says why a database cannot be at the place of this unit.
func (p place) check(unit string) error {
	if unit != p.unit() || p.instance != "" && !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`).MatchString(p.instance) {
		return fmt.Errorf("clmgr can manage the unit mariadb, and mariadb@NAME where a machine has several, but not %s", unit)
	}
	return nil
}

// or is the first text for the package's own database, else the second with its name.
func (p place) or(own, format string) string {
	if p.instance == "" {
		return own
	}
	return fmt.Sprintf(format, p.instance)
}

func (p place) unit() string { return p.or(packageUnit, instancePrefix+"%s") }
func (p place) data() string { return p.or("/var/lib/mysql", "/var/lib/mysql-%s") }
func (p place) conf() string {
	return p.or("/etc/mysql/mariadb.conf.d/99-clmgr.cnf", "/etc/mysql/clmgr/%s.cnf")
}

// fenceDir is a folder whose files are read after conf.
func (p place) fenceDir() string {
	return p.or("/etc/mysql/mariadb.conf.d", "/etc/mysql/clmgr/%s.d")
}

// socket is where root and the answerer log in; empty for where every client looks.
func (p place) socket() string { return p.or("", "/run/mysqld-%s/mysqld.sock") }

// listens is where root finds it.
func (p place) listens() string { return p.or("/run/mysqld/mysqld.sock", "/run/mysqld-%s/mysqld.sock") }

// drain is a file that has the answerer say 404, until the database is started again.
func (p place) drain() string      { return p.or("/run/clmgr-drain", "/run/clmgr-drain-%s") }
func (p place) healthUnit() string { return p.or("clmgr-health", "clmgr-health@%s") }

// dropIn is what makes the unit an own one: its file, and what is in it. The package's own
// unit needs none.
func (p place) dropIn() (path, text string) {
	if p.instance == "" {
		return "", ""
	}
	return "/etc/systemd/system/" + p.unit() + ".service.d/clmgr.conf", fmt.Sprintf(`# Written by clmgr.
[Service]
Environment='MYSQLD_MULTI_INSTANCE=--defaults-file=%[1]s'
RuntimeDirectory=mysqld-%[2]s
RuntimeDirectoryMode=0755
ExecStartPre=
ExecStartPost=
ExecStartPost=+/bin/rm -f %[3]s
`, p.conf(), p.instance, p.drain())
}

// unitScript puts dropIn in place, and makes the folders of the configuration.
func (p place) unitScript() string {
	path, text := p.dropIn()
	if path == "" {
		return ""
	}
	return fmt.Sprintf("mkdir -p %s\nif [ \"$(sha256sum <%[2]s 2>/dev/null)\" != '%[3]s  -' ]; then\n%[4]ssystemctl daemon-reload\nfi\n",
		p.fenceDir(), path, sum(text), file{path, "0644", text}.script())
}

// settings are what of the configuration is the place's.
func (p place) settings() (first, last string) {
	if p.instance == "" {
		return "", ""
	}
	return "!include /etc/mysql/mariadb.conf.d/50-server.cnf\n",
		fmt.Sprintf("datadir = %s\nsocket = %s\npid_file = /run/mysqld-%s/mysqld.pid\n!includedir %s\n", p.data(), p.socket(), p.instance, p.fenceDir())
}

// The names by which scripts know the place. Every script about a database begins with
// names, which gives them their values.
const (
	mariadbUnit = "$db_unit"
	mariadbData = "$db_data"
	mariadbConf = "$db_conf"
	// mariadbMark is a file among the data that says whose they are.
	mariadbMark = mariadbData + "/clmgr-managed"
	// mariadbOld is what the configuration was, empty where there was none. It is there
	// from before a change until the server serves with it.
	mariadbOld = mariadbConf + ".clmgr-old"
	// fenceFile keeps a primary that was relieved read_only when it starts again. It is read
	// after mariadbConf.
	fenceFile = "$db_fence"
	drainFlag = "$db_drain"
	// mariadbAt and mariadbFrom are options of clients, of which the second stands first:
	// where the server listens, and what its configuration is.
	mariadbAt    = "$db_at"
	mariadbFrom  = "$db_from"
	handoverTerm = "$db_term"
	mariadbMake  = "$db_make" // the same of mariadb-install-db
	// aloneHere is alone, among what changes the same database.
	aloneHere = `exec 9>$db_lock
flock -w 60 9 || { echo "another step is at work on this machine" >&2; exit 8; }
`
)

func (p place) names() string {
	at, from, make := "", "", ""
	if p.instance != "" {
		at, from, make = "--socket="+p.socket(), "--defaults-file="+p.conf(), "--no-defaults"
	}
	return fmt.Sprintf("db_unit=%s db_data=%s db_conf=%s db_fence=%s/99-zz-clmgr-handover.cnf db_drain=%s db_at=%s db_from=%s db_make=%s db_term=%s db_lock=%s\n",
		quote(p.unit()), quote(p.data()), quote(p.conf()), quote(p.fenceDir()), quote(p.drain()), quote(at), quote(from), quote(make),
		quote(p.or("/run/clmgr-handover", "/run/clmgr-handover-%s")), quote(p.or(machineLock, "/run/clmgr-provision-%s.lock")))
}

// run executes a script about the database, as run does.
func (p place) run(ctx context.Context, m job.Machine, script string, stdin io.Reader) (string, error) {
	return run(ctx, m, p.names()+script, stdin)
}
