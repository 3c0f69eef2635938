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
	adopted   bool // which says that somebody else has made them
	logs      logNames
	cut       bool // a copy was put in their place, not to the end
	databases []string
	accounts  map[string]accountSeen // by user@host
	health    bool                   // what answers balancers is as wanted
	of        string                 // the service that the configuration was written for
	dropIn    string                 // the sum of what makes the unit an own one
}

type accountSeen struct {
	user, host, hash string
	privileges       []string
}

// ofLook prints for which service the configuration was written.
const ofLook = `if [ -e ` + mariadbConf + ` ]; then read -r line <` + mariadbConf + ` || true; case $line in "# Written by clmgr for the service "*"; "*) line=${line#"# Written by clmgr for the service "}; echo "of ${line%%; *}";; esac; fi
`

// mariadbScript prints what there is, a word and its value a line.
const mariadbScript = `if command -v mariadbd >/dev/null; then echo program yes; fi
` + ofLook + `if [ -e ` + mariadbOld + ` ]; then echo pending yes; fi
if [ -e ` + mariadbData + `/mysql ]; then echo data yes; fi
if [ -e ` + mariadbMark + ` ]; then echo ours yes; fi
if [ -e ` + cloneOld + ` ]; then echo cut yes; fi
` + adoptedLook + `for d in ` + mariadbData + `/*/; do case ${d%/} in */mysql|*/sys|*/performance_schema|*/test|*/lost+found|*/'#'*|*'*') ;; *) d=${d%/}; echo database "${d##*/}";; esac; done
`

// mariadbSQL tells the accounts and what they may, the texts among it in base64.
var mariadbSQL = []statement{
	{text: `SELECT 'database' AS '#', 'test' FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'test'`},
	{text: `SELECT 'account' AS '#', REPLACE(TO_BASE64(User), '\n', ''), REPLACE(TO_BASE64(Host), '\n', ''), IF(JSON_VALUE(Priv, '$.plugin') = 'unix_socket', 'unix_socket', IFNULL(JSON_VALUE(Priv, '$.authentication_string'), ''))
  FROM mysql.global_priv WHERE IFNULL(JSON_VALUE(Priv, '$.is_role'), 'false') <> 'true' AND Host <> ''`},
	{text: `SELECT 'privilege' AS '#', REPLACE(TO_BASE64(GRANTEE), '\n', ''), PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE <> 'USAGE'`},
}

func (d MariaDB) what() string { return d.Name }

func (d MariaDB) question() (question, error) {
	p := d.place()
	q := question{
		units: []string{p.unit()}, files: []string{p.conf()}, script: p.names() + memoryScript("memory") + "\n" + mariadbScript, sql: mariadbSQL, at: p,
	}
	if path, _ := p.dropIn(); path != "" {
		q.files = append(q.files, path)
	}
	if d.Health != nil {
		q.units = append(q.units, p.healthUnit())
		q.files = append(q.files, d.Health.paths(p)...)
	}
	return q, d.check()
}

// read is what the machine's reply tells. Of what is another service's nothing is told.
func (d MariaDB) read(r reply) (mariadbSeen, error) {
	p := d.place()
	s, err := parseMariaDB(r.out + r.rows)
	s.sum = r.sums[p.conf()]
	if path, _ := p.dropIn(); path != "" {
		s.dropIn = r.sums[path]
	}
	s.enabled, s.active = r.units[p.unit()].enabled, r.units[p.unit()].active
	s.health = d.Health.seen(r, p)
	if err == nil {
		err = d.mine(s.of)
	}
	return s, err
}

func (d MariaDB) missing(r reply) (string, error) {
	seen, err := d.read(r)
	if err != nil {
		return "", err
	}
	return strings.Join(seen.lacks(d), "; "), nil
}

func (d MariaDB) look(ctx context.Context, m job.Machine) (mariadbSeen, error) {
	r, err := askOne(ctx, m, d)
	if err != nil {
		return mariadbSeen{}, err
	}
	return d.read(r)
}

// mine refuses what was laid out for another service of the machine, which the configuration
// still has: it now gives its unit to this one.
func (d MariaDB) mine(of string) error {
	if of != d.Name && slices.Contains(d.Beside, of) {
		return &Unwilling{fmt.Sprintf("the unit %s is that of %s on this machine: give each its unit in the configuration", d.Unit, of)}
	}
	return nil
}

// parseMariaDB reads what mariadbScript and mariadbSQL print.
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
		case "pending":
			s.pending = true
		case "data":
			s.data = true
		case "ours":
			s.ours = true
		case "cut":
			s.cut = true
		case "of":
			s.of = rest
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
		default:
			s.readMark(word, rest)
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

// hasTest tells whether there is a database test that should go: not where it is somebody's,
// or on a replica, whose source has it.
func (s mariadbSeen) hasTest(d MariaDB) bool {
	return !s.adopted && !d.Replica && slices.Contains(s.databases, "test")
}

// lacks says what differs from what is wanted.
func (s mariadbSeen) lacks(d MariaDB) []string {
	if !s.program {
		return []string{"there is no mariadbd"}
	}
	var out []string
	for _, c := range []struct {
		wrong bool
		text  string
	}{
		{s.foreign(), d.place().data() + " holds data that clmgr has not made"},
		{s.sum != sum(d.confOf(s)), d.place().conf() + " is not as configured"},
		{!d.unitAs(s), "the unit " + d.Unit + " is not as configured"},
		{s.pending, "a change of " + d.place().conf() + " was cut short"},
		{s.cut, "a copy of the data was cut short"},
		{!s.data, "no data directory"},
		{s.data && !s.ours && !s.foreign(), "the data directory is not marked as clmgr's"},
		{!s.enabled, "the unit " + d.Unit + " is not started at boot"},
		{!s.active, "its accounts cannot be seen: it does not run"},
		{s.hasTest(d), "there is a database test"},
	} {
		if c.wrong {
			out = append(out, c.text)
		}
	}
	if !s.health {
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

func (d MariaDB) unitAs(s mariadbSeen) bool {
	path, text := d.place().dropIn()
	return path == "" || s.dropIn == sum(text)
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
	if s.hasTest(d) {
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
