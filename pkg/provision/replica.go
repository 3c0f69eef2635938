package provision

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
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
	SourceAddr             netip.AddrPort
	User                   string // it logs in with there
	Password               secret.Value
	// Addr is where its own database listens, and Database how that is laid out; a copy
	// brings the accounts of the donor, which is its source or one of Donors.
	Addr     netip.AddrPort
	Database MariaDB
	Donors   []Donor
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
	behind  string // in seconds
	// empty says that nothing was ever written or followed here.
	empty bool
	// position is where it has come to in its source's history, cloned where a copy that it
	// was made of stood; written says that it has a history of its own as well.
	position, cloned string
	written          bool
	cut              bool // a copy was cut short
}

// A vertical result names its columns, whatever the version adds to them.
const replicaScript = `if [ -e ` + cloneOld + ` ]; then echo cut: yes; fi
if [ -e ` + clonedMark + ` ]; then sed -n 's/^position /cloned: /p' ` + clonedMark + `; fi
if ! systemctl is-active --quiet ` + mariadbUnit + `; then exit 0; fi
echo running: yes
mariadb --no-defaults --user=root --batch --vertical <<'SQL'
SELECT IF(@@GLOBAL.gtid_slave_pos = '' AND @@GLOBAL.gtid_binlog_pos = '', 'yes', 'no') AS 'empty',
  @@GLOBAL.gtid_slave_pos AS 'position', IF(@@GLOBAL.gtid_binlog_pos = '', 'no', 'yes') AS 'written';
SHOW ALL SLAVES STATUS;
SQL`

func (r Replica) look(ctx context.Context) (replicaSeen, error) {
	out, err := run(ctx, r.Machine, replicaScript, nil)
	if err != nil {
		return replicaSeen{}, err
	}
	return parseReplica(out), nil
}

// parseReplica reads what replicaScript prints.
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
		case "Last_IO_Error", "Last_SQL_Error":
			if value != "" {
				failures = append(failures, value)
			}
		}
	}
	s.errors = lastWords(strings.Join(failures, "; "))
	return s
}

// missing says what is not as wanted.
func (s replicaSeen) missing(r Replica) string {
	switch {
	case !s.running:
		return "it does not run"
	case s.host == "":
		return "it follows nobody"
	case !s.follows(r):
		return fmt.Sprintf("it follows %s:%s", s.host, s.port)
	case s.io != "Yes" || s.sql != "Yes":
		return strings.TrimSuffix(fmt.Sprintf("replication does not run (IO %s, SQL %s): %s", s.io, s.sql, s.errors), ": ")
	}
	return ""
}

func (s replicaSeen) follows(r Replica) bool {
	return s.host == r.SourceAddr.Addr().String() && s.port == fmt.Sprint(r.SourceAddr.Port()) && s.gtid == "Slave_Pos"
}

// Missing says in one line what differs; empty for nothing.
func (r Replica) Missing(ctx context.Context) (string, error) {
	seen, err := r.look(ctx)
	if err != nil {
		return "", fmt.Errorf("cannot look at the replication of %s: %w", r.Name, err)
	}
	return seen.missing(r), nil
}

// Replicate has the replica follow its source, and proves it by a row that is written
// there and read here. A *NotYet says that the source has to come first.
//
// A server that has never held anything starts at the source's beginning, or with a copy
// where the source's binary logs do not reach back that far. Any other is refused: Sync
// gives it a copy.
func (r Replica) Replicate(ctx context.Context, j job.Job) (changed bool, err error) {
	seen, err := r.look(ctx)
	if err == nil && seen.missing(r) == "" {
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
	if !seen.follows(r) {
		if err := r.mayBegin(ctx, seen); err != nil {
			return err
		}
		statements = r.changeMaster()
	}
	if _, err := run(ctx, r.Machine, client, strings.NewReader(statements)); err != nil {
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
	out, err := run(ctx, r.SourceMachine, `if systemctl is-active --quiet `+mariadbUnit+`; then echo running
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
	if _, err := run(ctx, r.SourceMachine, client, strings.NewReader(proof+row)); err != nil {
		return fmt.Errorf("cannot write a row at its source: %w", err)
	}
	own, cancel := context.WithTimeout(ctx, replicating)
	defer cancel()
	missing := "" // by the last look that succeeded
	for {
		seen, err := r.look(own)
		if err == nil {
			missing = seen.missing(r)
		}
		if err == nil && missing == "" {
			var out string
			out, err = run(own, r.Machine, client, strings.NewReader("SELECT proof FROM clmgr.replication WHERE replica = "+sqlText(r.Name)))
			if err == nil && slices.Contains(strings.Fields(out), token) {
				return nil
			}
		}
		select {
		case <-own.Done():
			switch {
			case missing != "":
				return errors.New(missing)
			case err != nil:
				return fmt.Errorf("cannot see whether a row written at the source arrived: %w", err)
			}
			return errors.New("a row written at the source did not arrive")
		case <-time.After(300 * time.Millisecond):
		}
	}
}
