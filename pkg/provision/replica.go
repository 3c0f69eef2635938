package provision

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/secret"
)

// Replica is a MariaDB that follows another one by GTID.
type Replica struct {
	Name string
	// Machine and SourceMachine are where the two run.
	Machine, SourceMachine job.Machine
	Source                 string // its name
	SourceUnit             string
	SourceAddr             netip.AddrPort
	User                   string // it logs in with there
	Password               secret.Value
	// Addr is where its own database listens, and Database how that is laid out; a copy
	// brings the accounts of the donor, which is its source or one of Donors.
	Addr     netip.AddrPort
	Database MariaDB
	Donors   []Donor
	// CloneRate is how many bytes a second a donor may read for a copy; 0 for no bound.
	CloneRate int64
	// SemiSync says that its source waits for it.
	SemiSync bool
	// SourceManaged says that packages may be installed on the machine of its source.
	SourceManaged bool
}

// NotYet says that something else has to come first, which is on its way.
type NotYet struct{ Reason string }

func (n *NotYet) Error() string { return n.Reason }

// replicating is how long a replica may take to connect and to show what was written.
const replicating = 20 * time.Second

// replicaSeen is how a server follows.
type replicaSeen struct {
	running bool // the server
	host    string
	port    string
	gtid    string
	io, sql string
	errors  string
	denied  bool   // its source does not let it in
	behind  string // in seconds
	semi    string // whether its source waits for it: ON or OFF
	// empty says that nothing was ever written or followed here.
	empty bool
	// position is where it has come to in its source's history, cloned where a copy that it
	// was made of stood; written says that it has a history of its own as well.
	position, cloned string
	written          bool
	cut              bool // a copy was cut short
}

// accessDenied is the server's number for a login that it refuses, ER_ACCESS_DENIED_ERROR.
const accessDenied = "1045"

// replicaFiles prints what the files say.
const replicaFiles = `if [ -e ` + cloneOld + ` ]; then echo cut: yes; fi
if [ -e ` + clonedMark + ` ]; then while read -r word rest; do if [ "$word" = position ]; then echo "cloned: $rest"; fi; done <` + clonedMark + `; fi
`

// replicaSQL has columns named, whatever a version adds to them.
var replicaSQL = []statement{
	{named: true, text: `SELECT IF(@@GLOBAL.gtid_slave_pos = '' AND @@GLOBAL.gtid_binlog_pos = '', 'yes', 'no') AS 'empty',
  @@GLOBAL.gtid_slave_pos AS 'position', IF(@@GLOBAL.gtid_binlog_pos = '', 'no', 'yes') AS 'written',
  (SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'RPL_SEMI_SYNC_SLAVE_STATUS') AS 'semi_sync'`},
	{named: true, text: "SHOW ALL SLAVES STATUS"},
}

// replicaScript is the end of a script that looks at more than that.
var replicaScript = replicaFiles + `if ! systemctl is-active --quiet ` + mariadbUnit + `; then exit 0; fi
echo ` + replicaRuns + `
` + namingClient + ` <<'SQL'
` + clientText(replicaSQL) + `SQL`

const replicaRuns = "running: yes"

func (r Replica) what() string { return "the replication of " + r.Name }

func (r Replica) question() (question, error) {
	p := r.Database.place()
	return question{
		units: []string{p.unit()}, sql: replicaSQL, at: p,
		script: p.names() + replicaFiles,
	}, nil
}

func (r Replica) missing(from reply) (string, error) {
	return r.read(from).lacks(r), nil
}

// elsewhere looks at its source.
func (r Replica) elsewhere(ctx context.Context) (missing string, err error) { return r.semiSynced(ctx) }

// run and source execute scripts about its own database and about that of its source.
func (r Replica) run(ctx context.Context, script string, stdin io.Reader) (string, error) {
	return r.Database.place().run(ctx, r.Machine, script, stdin)
}

func (r Replica) source(ctx context.Context, script string, stdin io.Reader) (string, error) {
	return placeOf(r.SourceUnit).run(ctx, r.SourceMachine, script, stdin)
}

func (r Replica) look(ctx context.Context) (replicaSeen, error) {
	from, err := askOne(ctx, r.Machine, r)
	return r.read(from), err
}

// read is what the machine's reply tells.
func (r Replica) read(from reply) replicaSeen {
	s := parseReplica(from.out + from.rows)
	s.running = from.units[r.Database.place().unit()].active
	return s
}

// parseReplica reads what replicaFiles and replicaSQL print.
func parseReplica(out string) replicaSeen {
	var s replicaSeen
	var failures []string
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch strings.TrimSuffix(name, ":") {
		case "running":
			s.running = true
		case "empty":
			s.empty = value == "yes"
		case "position":
			s.position = value
		case "cloned":
			s.cloned = value
		case "written":
			s.written = value == "yes"
		case "cut":
			s.cut = true
		case "semi_sync":
			s.semi = value
		case "Seconds_Behind_Master":
			s.behind = value
		case "Master_Host":
			s.host = value
		case "Master_Port":
			s.port = value
		case "Using_Gtid":
			s.gtid = value
		case "Slave_IO_Running":
			s.io = value
		case "Slave_SQL_Running":
			s.sql = value
		case "Last_IO_Errno":
			s.denied = value == accessDenied
		case "Last_IO_Error", "Last_SQL_Error":
			if value != "" {
				failures = append(failures, value)
			}
		}
	}
	s.errors = lastWords(strings.Join(failures, "; "))
	return s
}

// lacks says what is not as wanted.
func (s replicaSeen) lacks(r Replica) string {
	switch {
	case !s.running:
		return "it does not run"
	case s.host == "":
		return "it follows nobody"
	case !s.follows(r):
		return fmt.Sprintf("it follows %s:%s", s.host, s.port)
	case s.io != "Yes" || s.sql != "Yes":
		return strings.TrimSuffix(fmt.Sprintf("replication does not run (IO %s, SQL %s): %s", s.io, s.sql, s.errors), ": ")
	case r.SemiSync && s.semi != "ON":
		return "semi-synchronous replication is off"
	}
	return ""
}

func (s replicaSeen) follows(r Replica) bool {
	return s.host == r.SourceAddr.Addr().String() && s.port == fmt.Sprint(r.SourceAddr.Port()) && s.gtid == "Slave_Pos"
}

// lacks looks at the replica, and where that is as wanted at its source.
func (r Replica) lacks(ctx context.Context) (seen replicaSeen, missing string, err error) {
	if seen, err = r.look(ctx); err != nil {
		return seen, "", err
	}
	if missing = seen.lacks(r); missing == "" {
		missing, err = r.semiSynced(ctx)
	}
	return seen, missing, err
}

// Replicate has the replica follow its source, and proves it by a row that is written
// there and read here. A *NotYet says that the source has to come first.
//
// A server that has never held anything starts at the source's beginning, or with a copy
// where the source's binary logs do not reach back that far. Any other is refused: Sync
// gives it a copy.
func (r Replica) Replicate(ctx context.Context, j job.Job) (changed bool, err error) {
	seen, missing, err := r.lacks(ctx)
	if err == nil && missing == "" {
		return false, nil
	}
	if err == nil {
		err = r.replicate(ctx, seen)
	}
	if errors.As(err, new(*tooLate)) {
		err = r.copied(ctx, j, false)
	}
	if err != nil {
		return false, fmt.Errorf("cannot replicate %s from %s: %w", r.Name, r.Source, err)
	}
	return true, nil
}

// tooLate says that the beginning of the source's history is gone.
type tooLate struct{}

func (*tooLate) Error() string {
	return "the binary logs of its source do not reach back to the beginning any more"
}

func (r Replica) replicate(ctx context.Context, seen replicaSeen) error {
	if !seen.running {
		return &NotYet{"the replica does not run"}
	}
	statements := "START SLAVE;\n"
	switch {
	case !seen.follows(r):
		if err := r.mayBegin(ctx, seen); err != nil {
			return err
		}
		statements = r.changeMaster()
	case seen.denied: // the account may have been given another password
		statements = r.changeMaster()
	case r.SemiSync:
		statements = semiSyncAgain
	}
	if _, err := r.run(ctx, client, strings.NewReader(statements)); err != nil {
		return err
	}
	return r.verify(ctx)
}

// changeMaster has it follow its source from where it is. Version 11.4 and later ask for
// TLS unless told otherwise, which older masters and the ones laid out here do not speak.
func (r Replica) changeMaster() string {
	return fmt.Sprintf(`STOP ALL SLAVES;
CHANGE MASTER TO MASTER_HOST = '%s', MASTER_PORT = %d, MASTER_USER = %s, MASTER_PASSWORD = %s,
  MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 10, MASTER_SSL = 0, MASTER_SSL_VERIFY_SERVER_CERT = 0;
START SLAVE;
`, r.SourceAddr.Addr(), r.SourceAddr.Port(), sqlText(r.User), sqlText(r.Password.Reveal()))
}

// copied tells whether it is as a copy has left it, which nobody has written to since.
func (s replicaSeen) copied() bool {
	return s.cloned != "" && !s.written && samePosition(s.cloned, s.position)
}

// samePosition compares positions, whose domains may come in any order.
func samePosition(a, b string) bool {
	list := func(s string) []string {
		return slices.Sorted(strings.SplitSeq(s, ","))
	}
	return slices.Equal(list(a), list(b))
}

// mayBegin tells whether the replica can start where it is: at the source's beginning,
// or with the copy that it holds.
func (r Replica) mayBegin(ctx context.Context, seen replicaSeen) error {
	if seen.host != "" {
		return fmt.Errorf("it follows %s:%s already; STOP SLAVE and RESET SLAVE ALL there if that is over", seen.host, seen.port)
	}
	if seen.cut {
		return fmt.Errorf("a copy of its data was cut short: clmgr services sync %s makes it anew", r.Name)
	}
	if seen.copied() {
		return nil
	}
	if !seen.empty {
		return fmt.Errorf("it has held data of its own, and needs a copy first: clmgr services sync %s", r.Name)
	}
	out, err := r.source(ctx, `if systemctl is-active --quiet `+mariadbUnit+`; then echo running
if grep -qs '^adopted ' `+mariadbMark+`; then echo adopted; exit; fi # its logs may begin after its data
`+client+` --execute 'SHOW BINARY LOGS' | head -n 1; fi`, nil)
	if err != nil {
		return &NotYet{"its source cannot be asked: " + err.Error()}
	}
	words := strings.Fields(out)
	switch {
	case len(words) == 0:
		return &NotYet{"its source does not run"}
	case len(words) < 2 || !strings.HasSuffix(words[1], ".000001"):
		return &tooLate{}
	}
	return nil
}

// proof is where rows are written that show that replication works. A server that is
// read_only has not to be written to: it is somebody else's replica for now.
const proof = `DELIMITER //
BEGIN NOT ATOMIC IF @@GLOBAL.read_only THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'it is read_only'; END IF; END//
DELIMITER ;
CREATE DATABASE IF NOT EXISTS clmgr;
CREATE TABLE IF NOT EXISTS clmgr.replication (replica VARCHAR(64) NOT NULL PRIMARY KEY, proof CHAR(26) NOT NULL);
`

// verify writes a row on the source and waits until it is on the replica, whose threads
// must then run.
func (r Replica) verify(ctx context.Context) error {
	token := rand.Text()
	row := fmt.Sprintf("REPLACE INTO clmgr.replication VALUES (%s, '%s');\n", sqlText(r.Name), token)
	if _, err := r.source(ctx, client, strings.NewReader(proof+row)); err != nil {
		return fmt.Errorf("cannot write a row at its source: %w", err)
	}
	own, cancel := context.WithTimeout(ctx, replicating)
	defer cancel()
	missing := "" // by the last look that succeeded
	for {
		now, err := r.arrived(own, token)
		switch {
		case err == nil && now == "":
			return nil
		case err == nil:
			missing = now
		}
		select {
		case <-own.Done():
			if missing != "" {
				return errors.New(missing)
			}
			return fmt.Errorf("cannot see whether a row written at the source arrived: %w", err)
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// arrived says what is not as wanted of the replica, which should have a row by now.
func (r Replica) arrived(ctx context.Context, token string) (missing string, err error) {
	seen, err := r.look(ctx)
	if err != nil || seen.lacks(r) != "" {
		return seen.lacks(r), err
	}
	out, err := r.run(ctx, client, strings.NewReader("SELECT proof FROM clmgr.replication WHERE replica = "+sqlText(r.Name)))
	switch {
	case err != nil:
		return "", err
	case !slices.Contains(strings.Fields(out), token):
		return "a row written at the source did not arrive", nil
	}
	return r.semiSynced(ctx)
}
