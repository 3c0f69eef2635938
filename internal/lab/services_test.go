package lab_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

// TestSample sets the sample up and pulls the primary's power cord: all comes back.
func TestSample(t *testing.T) {
	l := labtest.Up(t, lab.Databases(), "m1", "m2", "m3")
	path, err := l.SetupSample(t.Context(), t.Output())
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	text, err := os.ReadFile(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 || !strings.Contains(string(text), "{name: node11, mode: mariadb, instance: m2, role: slave}") {
		t.Errorf("mode %o, %s", info.Mode().Perm(), text)
	}
	password, err := os.ReadFile(l.Dir() + "/database-password")
	must(t, err)
	if strings.Contains(string(text), string(password)) {
		t.Error("the password is in the configuration")
	}
	one, two := l.Machine("m1"), l.Machine("m2")
	if out := run(t, one, "cat /var/lib/mysql/binlog.0*"); strings.Contains(out, string(password)) {
		t.Error("the password is in the binary log")
	}
	if got := run(t, one, "mariadb -BNe \"SHOW STATUS LIKE 'Rpl_semi_sync_master_status'\""); !strings.HasSuffix(got, "ON") {
		t.Errorf("semi-synchronous replication: %s", got)
	}
	if _, complaint, err := two.Run(t.Context(), "mariadb -uclmgr -p$(cat) -h"+two.IP().String()+" -e 'SELECT * FROM demo.proof'",
		strings.NewReader(string(password))); err == nil || !strings.Contains(string(complaint), "denied") {
		t.Errorf("the monitoring user reads data: %v: %s", err, complaint)
	}
	must(t, errors.Join(one.Kill(t.Context()), l.Machine("m3").PowerOff(t.Context())))
	must(t, errors.Join(one.PowerOn(t.Context()), l.Machine("m3").PowerOn(t.Context()), one.WaitSSH(t.Context())))
	eventually(t, "the primary again", func() bool {
		_, _, err := one.Run(t.Context(), "mariadb -e \"INSERT INTO demo.proof (token) VALUES ('after')\"", nil)
		return err == nil
	})
	eventually(t, "the row on the replica", func() bool {
		return run(t, two, "mariadb -BNe \"SELECT COUNT(*) FROM demo.proof WHERE token = 'after'\"") == "1"
	})
	eventually(t, "memcached of m3 again", func() bool {
		out, _, _ := two.Run(t.Context(), "bash -c 'exec 3<>/dev/tcp/"+l.Machine("m3").IP().String()+"/11211; echo version >&3; head -1 <&3'", nil)
		return strings.HasPrefix(string(out), "VERSION 1.6")
	})
}

// TestMySQL boots Debian unstable with Oracle's server, which no stable suite has.
func TestMySQL(t *testing.T) {
	l := labtest.Up(t, lab.MySQL(), "m1")
	m := l.Machine("m1")
	run(t, m, "systemctl start mysql")
	if got := run(t, m, "mysql -BNe 'SELECT @@version_comment'"); strings.Contains(got, "MariaDB") || got == "" {
		t.Errorf("it is %q", got)
	}
	if got := run(t, m, "systemctl is-system-running --wait"); got != "running" {
		t.Errorf("it is %s", got)
	}
}
