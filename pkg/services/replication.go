package services

import (
	"fmt"
	"net"
	"strings"

	"github.com/clmgr/clmgr/pkg/command"
)

// channel is one source that a server replicates from.
type channel struct {
	name     string // empty: the default one
	master   string // "host:port"
	io, sql  thread
	lag      string // seconds; empty where the server does not know (NULL is not 0)
	position string // GTID received so far, in the server's own notation
}

// thread is one of the two threads of a channel.
type thread struct {
	state string // Yes, No, Connecting, Preparing
	errno string // "0" for none
	err   string
}

// parseChannels reads the rows of SHOW ALL SLAVES STATUS, SHOW REPLICA STATUS or
// SHOW SLAVE STATUS. A row without a host is no configured source (MySQL keeps such
// ones for its own channels).
func parseChannels(rows []record) []channel {
	var channels []channel
	for _, r := range rows {
		r = modern(r)
		if r["Source_Host"] == "" {
			continue
		}
		channels = append(channels, channel{
			name:     r["Connection_name"] + r["Channel_Name"], // MariaDB's and MySQL's word for it
			master:   net.JoinHostPort(r["Source_Host"], r["Source_Port"]),
			io:       thread{r["Replica_IO_Running"], r["Last_IO_Errno"], r["Last_IO_Error"]},
			sql:      thread{r["Replica_SQL_Running"], r["Last_SQL_Errno"], r["Last_SQL_Error"]},
			lag:      r["Seconds_Behind_Source"],
			position: r["Gtid_IO_Pos"] + r["Retrieved_Gtid_Set"],
		})
	}
	return channels
}

// modern gives columns the names that MySQL 8.0.22 and later use.
func modern(r record) record {
	renamed := make(record, len(r))
	names := strings.NewReplacer("Master", "Source", "Slave", "Replica")
	for name, value := range r {
		renamed[names.Replace(name)] = value
	}
	return renamed
}

// judge makes the observation of a server whose replication is known. A server with
// a source is a slave, and a slave with a thread that does not run is not doing its
// job, whatever the cause: the table of codes has SQLFailure for it. An IO thread
// that is still connecting receives nothing and counts as not running; so a slave is
// not called running in the moment before its source has answered.
func judge(channels []channel, readOnly bool) Observation {
	if len(channels) == 0 {
		return Observation{Code: command.OK, Role: Master, Writable: !readOnly}
	}
	var troubles []string
	for _, c := range channels {
		if t := c.trouble(); t != "" {
			troubles = append(troubles, t)
		}
	}
	switch len(troubles) {
	case 0:
		return Observation{Code: command.OK, Role: Slave}
	case 1:
		return Observation{Code: command.SQLFailure, Role: Slave, Reason: troubles[0]}
	}
	return Observation{
		Code: command.SQLFailure, Role: Slave,
		Reason: fmt.Sprintf("%d of %d replication channels stand still: %s", len(troubles), len(channels), troubles[0]),
	}
}

// trouble says why a channel does not replicate, or nothing.
func (c channel) trouble() string {
	of := ""
	if c.name != "" {
		of = " channel " + c.name // not quoted: masking would no longer know a secret in it
	}
	ioRuns, sqlRuns := c.io.state == "Yes", c.sql.state == "Yes"
	switch {
	case ioRuns && sqlRuns:
		return ""
	case !sqlRuns && (ioRuns || c.sql.cause() != ""):
		return fmt.Sprintf("replication%s SQL thread stopped%s", of, c.sql.cause())
	case c.io.state != "No" && !ioRuns:
		return fmt.Sprintf("replication%s IO thread not connected to %s%s", of, c.master, c.io.cause())
	case sqlRuns || c.io.cause() != "":
		return fmt.Sprintf("replication%s IO thread stopped%s", of, c.io.cause())
	}
	return fmt.Sprintf("replication%s stopped", of)
}

// cause is the thread's last error, if it has one, without two parts. Before
// "message:" the server counts its attempts, and a reason should not change from look
// to look. From "on query" on it shows the statement that failed, which may be one
// that sets a password, and that password we do not know and could not mask.
func (t thread) cause() string {
	if t.errno == "" || t.errno == "0" {
		return ""
	}
	message := t.err
	for _, mark := range []string{"message: ", "Message: "} {
		if _, after, ok := strings.Cut(message, mark); ok {
			message = after
		}
	}
	for _, mark := range []string{" on query.", " Default database: ", " Query: "} {
		message, _, _ = strings.Cut(message, mark)
	}
	return ": error " + t.errno + " " + message
}

// channelFacts are the facts of replication: one set for each channel, those of a
// named one with the name in brackets.
func channelFacts(channels []channel) map[string]any {
	facts := map[string]any{"replication_channels": int64(len(channels))}
	for _, c := range channels {
		key := func(name string) string {
			if c.name == "" {
				return "replication_" + name
			}
			return "replication_" + name + "[" + c.name + "]"
		}
		facts[key("master")] = c.master
		facts[key("io_running")] = c.io.state
		facts[key("sql_running")] = c.sql.state
		facts[key("gtid_received")] = c.position
		number(facts, key("lag_seconds"), c.lag)
		for name, t := range map[string]thread{"io_error": c.io, "sql_error": c.sql} {
			if cause := t.cause(); cause != "" {
				facts[key(name)] = strings.TrimPrefix(cause, ": ")
			}
		}
	}
	return facts
}
