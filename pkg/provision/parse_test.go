package provision

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/secret"
)

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// A password as the server keeps it, by its own PASSWORD().
func TestNativeHash(t *testing.T) {
	if got := nativeHash(secret.New("password")); got != "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19" {
		t.Error(got)
	}
}

func TestSQLText(t *testing.T) {
	if got := sqlText(`a'b\c` + "\x00"); got != `'a\'b\\c\0'` {
		t.Error(got)
	}
}

func TestPackagesAreChecked(t *testing.T) {
	for _, bad := range []string{"", "-y", "a b", "a;b", "$(a)", "a=", "a=b=c d", "a\nb"} {
		if err := (Packages{"mariadb-server", bad}).check(); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if err := (Packages{"mariadb-server=1:10.11.6-0+deb12u1", "libc6.i386", "g++"}).check(); err != nil {
		t.Error(err)
	}
}

func database() MariaDB {
	return MariaDB{
		Name: "db1", Unit: "mariadb", Port: 3306, ServerID: 7,
		Accounts: []Account{{User: "clmgr", Password: secret.New("password"), Privileges: []string{MonitorPrivilege}}},
	}
}

// found is what the machine says of database() when all is as it should be.
func found(d MariaDB) mariadbSeen {
	text := "program yes\nmemory 1000000\ndata yes\nours yes\ndatabase shop\n"
	rows := "#\ttest\n#\tUser\tHost\n" +
		"account\t" + b64("clmgr") + "\t" + b64("%") + "\t*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19\n" +
		"account\t" + b64("root") + "\t" + b64("localhost") + "\tinvalid\n" +
		"privilege\t" + b64("'clmgr'@'%'") + "\tSLAVE MONITOR\n"
	s, err := d.read(reply{
		out: text, rows: rows, sums: map[string]string{d.place().conf(): sum(d.conf(1000000))}, units: map[string]unitSeen{packageUnit: {true, true}},
	})
	if err != nil {
		panic(err)
	}
	return s
}

func TestWhatIsMissing(t *testing.T) {
	d := database()
	for _, c := range []struct {
		name   string
		change func(*MariaDB, *mariadbSeen)
		want   string
	}{
		{"nothing", func(*MariaDB, *mariadbSeen) {}, ""},
		{"not installed", func(_ *MariaDB, s *mariadbSeen) { s.program = false }, "there is no mariadbd"},
		{"another port", func(d *MariaDB, _ *mariadbSeen) { d.Port = 3307 }, place{}.conf() + " is not as configured"},
		{"cut short", func(_ *MariaDB, s *mariadbSeen) { s.pending = true }, "a change of " + place{}.conf() + " was cut short"},
		{"no data", func(_ *MariaDB, s *mariadbSeen) { s.data, s.databases = false, nil }, "no data directory"},
		{"somebody's data", func(_ *MariaDB, s *mariadbSeen) { s.ours = false }, place{}.data() + " holds data that clmgr has not made"},
		{"the package's data", func(_ *MariaDB, s *mariadbSeen) { s.ours, s.databases = false, nil }, "the data directory is not marked as clmgr's"},
		{"a test database", func(_ *MariaDB, s *mariadbSeen) { s.databases = []string{"test"} }, "there is a database test"},
		{"another password", func(d *MariaDB, _ *mariadbSeen) { d.Accounts[0].Password = secret.New("other") }, "the account clmgr is not as configured"},
		{"too many rights", func(_ *MariaDB, s *mariadbSeen) {
			s.accounts["clmgr@%"] = accountSeen{user: "clmgr", host: "%", hash: nativeHash(secret.New("password")), privileges: []string{"SLAVE MONITOR", "SUPER"}}
		}, "the account clmgr is not as configured"},
		{"an anonymous account", func(_ *MariaDB, s *mariadbSeen) { s.accounts["@h"] = accountSeen{host: "h"} }, `there is an account "" at "h"`},
		{"a remote root", func(_ *MariaDB, s *mariadbSeen) { s.accounts["root@%"] = accountSeen{user: "root", host: "%"} }, `there is an account "root" at "%"`},
		{"no answers for balancers", func(_ *MariaDB, s *mariadbSeen) { s.health = false }, "what answers balancers is not as configured"},
		{"stopped", func(_ *MariaDB, s *mariadbSeen) { s.active = false }, "its accounts cannot be seen: it does not run"},
	} {
		want, s := database(), found(d)
		c.change(&want, &s)
		if got := strings.Join(s.lacks(want), "; "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// What is as wanted is not written, and no statement holds a password.
func TestAccountStatements(t *testing.T) {
	d := database()
	s := found(d)
	if got := d.accountStatements(s); got != "" {
		t.Errorf("nothing is missing, but: %s", got)
	}
	d.Accounts[0].Password = secret.New("canary")
	s.accounts["@h"] = accountSeen{host: "h'"}
	got := d.accountStatements(s)
	for _, want := range []string{"SET SESSION sql_log_bin = 0;\n", `DROP USER ''@'h\'';`, "CREATE OR REPLACE USER 'clmgr'@'%' IDENTIFIED BY PASSWORD '*", "GRANT SLAVE MONITOR ON *.* TO 'clmgr'@'%';"} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in %s", want, got)
		}
	}
	if strings.Contains(got, "canary") {
		t.Error("a password is in it")
	}
}

func TestConf(t *testing.T) {
	d := database()
	d.MemPct, d.Replica = 50, true
	got := d.conf(4 << 20)
	for _, want := range []string{"\ninnodb_buffer_pool_size = 2048M\n", "\nread_only = 1\n", "\nserver_id = 7\n", "\ngtid_strict_mode = 1\n", "\nport = 3306\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in %s", want, got)
		}
	}
}

// Balancers are answered by all of the files, of a unit that runs and will run again.
func TestHealthSeen(t *testing.T) {
	h, p := &Health{MaxLag: time.Second}, place{"db3"}
	whole := func() reply {
		r := reply{sums: map[string]string{}, units: map[string]unitSeen{p.healthUnit(): {true, true}}}
		for _, f := range h.files(p) {
			r.sums[f.path] = sum(f.text)
		}
		return r
	}
	if !h.seen(whole(), p) || !(*Health)(nil).seen(reply{}, p) {
		t.Error("what is as wanted is not seen so")
	}
	for _, path := range h.paths(p) {
		r := whole()
		if delete(r.sums, path); h.seen(r, p) {
			t.Errorf("%s is not missed", path)
		}
	}
	for _, unit := range []unitSeen{{active: true}, {enabled: true}} {
		r := whole()
		if r.units[p.healthUnit()] = unit; h.seen(r, p) {
			t.Errorf("a unit that is %+v is taken", unit)
		}
	}
}

func TestReplicaSeen(t *testing.T) {
	s := parseReplica(`running: yes
empty: no
*************************** 1. row ***************************
               Connection_name: 
                   Master_Host: 10.0.0.1
                   Master_Port: 3306
              Slave_IO_Running: Connecting
             Slave_SQL_Running: Yes
                 Last_IO_Error: error connecting: it's refused
                Last_SQL_Error: 
                    Using_Gtid: Slave_Pos
`)
	if !s.running || s.empty || s.host != "10.0.0.1" || s.port != "3306" || s.io != "Connecting" || s.sql != "Yes" || s.gtid != "Slave_Pos" ||
		s.errors != "error connecting: it's refused" {
		t.Errorf("%+v", s)
	}
}

// Whatever a machine prints is read or refused, and nobody's data are taken for ours.
func FuzzParseMariaDB(f *testing.F) {
	f.Add("program yes\nmemory 1\nours yes\naccount\t\tJQ==\t\nprivilege\tJ2EnQCcn\tSUPER\n")
	f.Add("memory x\ndatabase\ndatabase a b\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseMariaDB(text)
		if err != nil {
			return
		}
		if s.foreign() && slices.Contains(strings.Split(text, "\n"), "ours yes") {
			t.Error("ours is called foreign")
		}
		_ = s.lacks(database())
		_ = parseReplica(text).lacks(Replica{})
	})
}
