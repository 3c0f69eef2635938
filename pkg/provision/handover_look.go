package provision

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// memberSeen is how a member was found.
type memberSeen struct {
	Member
	replicaSeen
	err      error // why it was not
	version  string
	writable bool
	fenced   bool
	// state is its whole history, base what that was when it was fenced, logged where it ends.
	state, base, logged string
	// unbound are accounts connected to it that read_only does not bind.
	unbound []string
	// health is the sum of the program that answers balancers there.
	health string
}

// fenceText is the file. What its history was tells, on the way back, what is not errant.
func fenceText(to, state string) string {
	return fmt.Sprintf("# Written by clmgr: %s takes the writes. It goes when this one does again.\n# state %s\n[mariadbd]\nread_only = 1\n", to, state)
}

const fenceScript = `set -eu
umask 022
cat >` + fenceFile + `.part
sync ` + fenceFile + `.part
mv -f ` + fenceFile + `.part ` + fenceFile + `
sync $(dirname ` + fenceFile + `)
`

// readOnlyScript makes a database read_only. Who holds that up is cut off, and so is who
// has changed rows and does not come to an end: none of it could be committed any more.
func readOnlyScript(own []string, patience time.Duration) string {
	return fmt.Sprintf(`set -eu
still() { %[1]s <<'SQL'
SET SESSION lock_wait_timeout = 3;
SET GLOBAL read_only = 1;
SQL
}
cut() { %[1]s | %[1]s --force 2>/dev/null || true; }
if ! still 2>/dev/null; then
cut <<'SQL'
SELECT CONCAT('KILL ', p.ID, ';') FROM information_schema.PROCESSLIST p WHERE %[2]s;
SQL
still
fi
sleep %[3]g
cut <<'SQL'
SELECT CONCAT('KILL ', p.ID, ';') FROM information_schema.INNODB_TRX t JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
 WHERE (t.trx_rows_modified > 0 OR t.trx_rows_locked > 0) AND %[2]s;
SQL
`, client, others(own), patience.Seconds())
}

// others tells, of a process p of the server, whether it is a client's.
func others(own []string) string {
	names := []string{"'root'", "'system user'", "'event_scheduler'", "'" + healthUser + "'"}
	for _, name := range own {
		names = append(names, sqlText(name))
	}
	return "p.USER NOT IN (" + strings.Join(names, ", ") + ") AND p.COMMAND NOT LIKE 'Binlog Dump%'"
}

// memberScript prints what memberSeen holds.
func memberScript(own []string) string {
	return `if [ -e ` + fenceFile + ` ]; then echo fenced: yes; sed -n 's/^# state /base: /p' ` + fenceFile + `; fi
if systemctl is-active --quiet ` + mariadbUnit + `; then
` + client + ` <<'SQL'
SELECT CONCAT('server: ', VERSION());
SELECT CONCAT('read_only: ', @@GLOBAL.read_only);
SELECT CONCAT('logged: ', @@GLOBAL.gtid_binlog_pos);
SELECT CONCAT('state: ', @@GLOBAL.gtid_binlog_state);
SELECT DISTINCT CONCAT('unbound: ', p.USER) FROM information_schema.PROCESSLIST p JOIN information_schema.USER_PRIVILEGES u
  ON LEFT(u.GRANTEE, CHAR_LENGTH(p.USER) + 3) = CONCAT('''', p.USER, '''@') WHERE u.PRIVILEGE_TYPE = 'READ_ONLY ADMIN' AND ` + others(own) + `;
SQL
fi
if [ -e ` + healthProgram + ` ]; then sum=$(sha256sum ` + healthProgram + `); echo "health: ${sum%% *}"; fi
` + replicaScript
}

// parseMember reads what memberScript prints.
func parseMember(m Member, out string) memberSeen {
	s := memberSeen{Member: m, replicaSeen: parseReplica(out)}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch strings.TrimSuffix(name, ":") {
		case "fenced":
			s.fenced = true
		case "base":
			s.base = value
		case "server":
			s.version = value
		case "read_only":
			s.writable = value == "0" || value == "OFF"
		case "logged":
			s.logged = value
		case "state":
			s.state = value
		case "unbound":
			s.unbound = append(s.unbound, value)
		case "health":
			s.health = value
		}
	}
	return s
}

// look looks at all members, side by side, and at those that take writes once more after
// that: what others have of theirs they then have too. With a term the machines know of it.
func (h Handover) look(ctx context.Context, t *term) []memberSeen {
	claim := ""
	if t != nil {
		claim = t.claim()
	}
	seen := make([]memberSeen, len(h.Members))
	at := func(n int, script string) {
		m := h.Members[n]
		own, cancel := context.WithTimeout(ctx, 3*asking)
		defer cancel()
		out, err := m.run(own, script, nil)
		if seen[n] = parseMember(m, out); err != nil {
			seen[n].err = err
		}
	}
	var all sync.WaitGroup
	for n := range seen {
		all.Go(func() { at(n, claim+memberScript(h.Own)) })
	}
	all.Wait()
	for n := range seen {
		if seen[n].err == nil && seen[n].writable {
			at(n, memberScript(h.Own))
		}
	}
	return seen
}

// logs is where its log ends now. It must be read_only.
func (s memberSeen) logs(ctx context.Context) (string, error) {
	out, err := s.run(ctx, client, strings.NewReader("SELECT CONCAT(@@GLOBAL.read_only, ' ', @@GLOBAL.gtid_binlog_pos)"))
	if err != nil {
		return "", fmt.Errorf("cannot see where %s is: %w", s.Name, err)
	}
	readOnly, position, _ := strings.Cut(strings.TrimSpace(out), " ")
	if readOnly != "1" && readOnly != "ON" {
		return "", fmt.Errorf("%s is not read_only any more", s.Name)
	}
	return position, nil
}

// reaches waits until it has executed up to a position.
func (s memberSeen) reaches(ctx context.Context, position string, limit time.Duration) (bool, error) {
	out, err := s.run(ctx, client, strings.NewReader(fmt.Sprintf("SELECT MASTER_GTID_WAIT(%s, %g)", sqlText(position), limit.Seconds())))
	if err != nil {
		return false, fmt.Errorf("cannot see what %s has executed: %w", s.Name, err)
	}
	return strings.TrimSpace(out) == "0", nil
}

// term is who is at work on a handover. A machine refuses what comes under any other than
// the last one it was told.
type term struct {
	unit       string
	epoch, try uint64
	looks      int
}

func (t *term) text() string {
	return fmt.Sprintf("%s %020d.%020d.%06d", t.unit, t.epoch, t.try, t.looks)
}

// claim begins a new term of its own, unless a later one of the same action is known.
func (t *term) claim() string {
	t.looks++
	return fmt.Sprintf(`exec 9>%[1]s.lock
flock -w 20 9 || { echo "another handover is at work here" >&2; exit 8; }
if [ -e %[1]s ]; then
	read -r unit last <%[1]s
	if [ "$unit" = '%[2]s' ] && [ "$last" \> '%[3]s' ]; then echo "a later try is at work here" >&2; exit 9; fi
fi
echo '%[2]s %[3]s' >%[1]s
`, handoverTerm, t.unit, strings.TrimPrefix(t.text(), t.unit+" "))
}

// guard begins a script that changes something under the term.
func (t *term) guard() string {
	return fmt.Sprintf(`exec 9>%[1]s.lock
flock -w 20 9 || { echo "another handover is at work here" >&2; exit 8; }
[ "$(cat %[1]s 2>/dev/null)" = '%[2]s' ] || { echo "another handover has begun here" >&2; exit 9; }
`, handoverTerm, t.text())
}
