package provision

import (
	"context"
	"crypto/sha1" //nolint:gosec // it is how the server keeps passwords
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/secret"
)

// mariadbSeen is how a MariaDB was found on its machine.
type mariadbSeen struct {
	program   bool
	memory    int64 // of the machine, in KiB
	sum       string
	pending   bool // a change of the configuration that the server may not know
	enabled   bool
	active    bool
	data      bool // there is a data directory with something in it
	ours      bool // and our mark
	cut       bool // a copy was put in their place, not to the end
	databases []string
	accounts  map[string]accountSeen // by user@host
	health    healthSeen
}

type accountSeen struct {
	user, host, hash string
	privileges       []string
}

// lookScript prints what there is, a word and its value a line.
const lookScript = `if command -v mariadbd >/dev/null; then echo program yes; fi
while read -r name value _; do if [ $name = MemTotal: ]; then echo memory $value; break; fi; done </proc/meminfo
if [ -e ` + mariadbConf + ` ]; then echo sum $(sha256sum <` + mariadbConf + `); fi
if [ -e ` + mariadbOld + ` ]; then echo pending yes; fi
unit=$(systemctl show -p UnitFileState -p ActiveState ` + mariadbUnit + `)
case $unit in *UnitFileState=enabled*) echo enabled yes;; esac
case $unit in *ActiveState=active*) echo active yes;; esac
if [ -e ` + mariadbData + `/mysql ]; then echo data yes; fi
if [ -e ` + mariadbMark + ` ]; then echo ours yes; fi
if [ -e ` + cloneOld + ` ]; then echo cut yes; fi
for d in ` + mariadbData + `/*/; do case ${d%/} in */mysql|*/sys|*/performance_schema|*/test|*/lost+found|*/'#'*|*'*') ;; *) d=${d%/}; echo database "${d##*/}";; esac; done
case $unit in *ActiveState=active*) ` + client + ` <<'SQL'
SELECT 'database', 'test' FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'test';
SELECT 'account', REPLACE(TO_BASE64(User), '\\n', ''), REPLACE(TO_BASE64(Host), '\\n', ''), IF(JSON_VALUE(Priv, '$.plugin') = 'unix_socket', 'unix_socket', IFNULL(JSON_VALUE(Priv, '$.authentication_string'), ''))
  FROM mysql.global_priv WHERE IFNULL(JSON_VALUE(Priv, '$.is_role'), 'false') <> 'true' AND Host <> '';
SELECT 'privilege', REPLACE(TO_BASE64(GRANTEE), '\\n', ''), PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE <> 'USAGE';
SQL
esac`

func (d MariaDB) look(ctx context.Context, m job.Machine) (mariadbSeen, error) {
	if err := d.check(); err != nil {
		return mariadbSeen{}, err
	}
	script := lookScript
	if d.Health != nil {
		script = d.Health.lookScript() + script
	}
	out, err := run(ctx, m, script, nil)
	if err != nil {
		return mariadbSeen{}, err
	}
	return parseMariaDB(out)
}

// parseMariaDB reads what lookScript prints.
func parseMariaDB(out string) (mariadbSeen, error) {
	s := mariadbSeen{accounts: map[string]accountSeen{}}
	grants := map[string][]string{}
	for line := range strings.Lines(out) {
		word, rest, _ := strings.Cut(strings.TrimSpace(strings.ReplaceAll(line, "\t", " ")), " ")
		fields := strings.Fields(rest)
		first := ""
		if len(fields) > 0 {
			first = fields[0]
		}
		switch word {
		case "program":
			s.program = true
		case "memory":
			s.memory, _ = strconv.ParseInt(first, 10, 64)
		case "sum":
			s.sum = first
		case "pending":
			s.pending = true
		case "health":
			s.health.sum = first
		case "healthy":
			s.health.runs = slices.Contains(fields, "UnitFileState=enabled") && slices.Contains(fields, "ActiveState=active")
		case "enabled":
			s.enabled = true
		case "active":
			s.active = true
		case "data":
			s.data = true
		case "ours":
			s.ours = true
		case "cut":
			s.cut = true
		case "database":
			s.databases = append(s.databases, rest)
		case "account":
			a, err := parseAccount(rest)
			if err != nil {
				return mariadbSeen{}, err
			}
			s.accounts[a.user+"@"+a.host] = a
		case "privilege":
			grantee, privilege, _ := strings.Cut(rest, " ")
			text, err := unbase64(grantee)
			if err != nil {
				return mariadbSeen{}, err
			}
			grants[text] = append(grants[text], privilege)
		}
	}
	if s.memory == 0 {
		return mariadbSeen{}, fmt.Errorf("the machine does not tell its memory: %q", out)
	}
	for key, a := range s.accounts {
		a.privileges = grants[fmt.Sprintf("'%s'@'%s'", a.user, a.host)]
		slices.Sort(a.privileges)
		s.accounts[key] = a
	}
	return s, nil
}

// foreign tells whether the data directory holds what clmgr has not made. The one that
// Debian's package lays out holds no database of anybody's.
func (s mariadbSeen) foreign() bool {
	return !s.ours && slices.ContainsFunc(s.databases, func(d string) bool { return d != "test" })
}

// missing says what differs from what is wanted.
func (s mariadbSeen) missing(d MariaDB) []string {
	if !s.program {
		return []string{"there is no mariadbd"}
	}
	var out []string
	for _, c := range []struct {
		wrong bool
		text  string
	}{
		{s.foreign(), mariadbData + " holds data that clmgr has not made"},
		{s.sum != sum(d.conf(s.memory)), mariadbConf + " is not as configured"},
		{s.pending, "a change of " + mariadbConf + " was cut short"},
		{s.cut, "a copy of the data was cut short"},
		{!s.data, "no data directory"},
		{s.data && !s.ours && !s.foreign(), "the data directory is not marked as clmgr's"},
		{!s.enabled, "the unit " + mariadbUnit + " is not started at boot"},
		{!s.active, "its accounts cannot be seen: it does not run"},
		{slices.Contains(s.databases, "test"), "there is a database test"},
	} {
		if c.wrong {
			out = append(out, c.text)
		}
	}
	if d.Health != nil && !s.health.as(*d.Health) {
		out = append(out, "what answers balancers is not as configured")
	}
	if !s.active {
		return out
	}
	for _, a := range d.accounts() {
		if !s.accounts[a.User+"@"+a.host()].as(a) {
			out = append(out, "the account "+a.User+" is not as configured")
		}
	}
	for _, a := range s.unwanted() {
		out = append(out, fmt.Sprintf("there is an account %q at %q", a.user, a.host))
	}
	return out
}

// unwanted are accounts that nobody should have: without a name, and a root from elsewhere.
func (s mariadbSeen) unwanted() []accountSeen {
	var out []accountSeen
	for _, a := range s.accounts {
		if a.user == "" || a.user == "root" && a.host != "localhost" {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b accountSeen) int { return strings.Compare(a.user+"@"+a.host, b.user+"@"+b.host) })
	return out
}

// as tells whether the account is the wanted one.
func (a accountSeen) as(want Account) bool {
	privileges := slices.Sorted(slices.Values(want.Privileges))
	hash := "unix_socket"
	if !want.Socket {
		hash = nativeHash(want.Password)
	}
	return a.hash == hash && slices.Equal(a.privileges, privileges)
}

// accounts are all that it should have besides the server's own.
func (d MariaDB) accounts() []Account {
	if d.Health == nil {
		return d.Accounts
	}
	return append(slices.Clone(d.Accounts), d.Health.account())
}

// host is where the account may log in from, as the server writes it.
func (a Account) host() string {
	if a.Socket {
		return "localhost"
	}
	return "%"
}

// accountStatements are what makes the accounts as wanted; empty for nothing. They are
// of this server alone: a replica has them from itself. Passwords go as their hashes.
func (d MariaDB) accountStatements(s mariadbSeen) string {
	var b strings.Builder
	for _, a := range s.unwanted() {
		fmt.Fprintf(&b, "DROP USER %s@%s;\n", sqlText(a.user), sqlText(a.host))
	}
	for _, a := range d.accounts() {
		if s.accounts[a.User+"@"+a.host()].as(a) {
			continue
		}
		who := sqlText(a.User) + "@" + sqlText(a.host())
		identified := "VIA unix_socket"
		if !a.Socket {
			identified = "BY PASSWORD '" + nativeHash(a.Password) + "'"
		}
		fmt.Fprintf(&b, "CREATE OR REPLACE USER %s IDENTIFIED %s;\n", who, identified)
		if len(a.Privileges) > 0 {
			fmt.Fprintf(&b, "GRANT %s ON *.* TO %s;\n", strings.Join(a.Privileges, ", "), who)
		}
	}
	if slices.Contains(s.databases, "test") {
		b.WriteString("DROP DATABASE IF EXISTS test;\n")
	}
	if b.Len() == 0 {
		return ""
	}
	return "SET SESSION sql_log_bin = 0;\n" + b.String()
}

// nativeHash is a password as the server keeps it for mysql_native_password: "*" and the
// SHA-1 of its SHA-1, in hex. https://mariadb.com/kb/en/authentication-plugin-mysql_native_password/
func nativeHash(v secret.Value) string {
	once := sha1.Sum([]byte(v.Reveal())) //nolint:gosec // the server's own format
	twice := sha1.Sum(once[:])           //nolint:gosec // the server's own format
	return "*" + strings.ToUpper(hex.EncodeToString(twice[:]))
}
