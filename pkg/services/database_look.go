package services

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/clmgr/clmgr/pkg/command"
)

// observe asks a server that let us in what it is and how it does. An error is of
// the connection, or of the one question that a server must answer.
func (l *look) observe(ctx context.Context) (Observation, error) {
	basic, d, err := l.basics(ctx)
	if err != nil {
		return Observation{}, err
	}
	l.facts = basicFacts(basic)
	l.facts["server"] = d.name
	if l.mode != "" && d.name != l.mode {
		l.facts["server_mismatch"] = fmt.Sprintf("mode is %s, but the server is %s", l.mode, d.name)
	}
	counters, err := l.counters(ctx, d)
	if err != nil {
		return Observation{}, err
	}
	maps.Copy(l.facts, counterFacts(counters))
	channels, hidden, err := l.channels(ctx, d)
	if err != nil {
		return Observation{}, err
	}
	if hidden != "" {
		return l.withoutReplication(counters, hidden), nil
	}
	maps.Copy(l.facts, channelFacts(channels))
	readOnly, _ := l.facts["read_only"].(bool)
	return judge(channels, readOnly), nil
}

// basics asks what every server must answer. The greeting tells in which words to
// ask first; a server that does not know them is asked in plain ones.
func (l *look) basics(ctx context.Context) (record, dialect, error) {
	d := dialectOf(l.wire.greeting.version)
	rows, err := l.ask(ctx, "SELECT 1", d.basics)
	if own, ok := refused(err); ok && own.Number == errUnknownSystemVariable {
		rows, err = l.ask(ctx, "SELECT 1", basics)
	}
	if err != nil {
		return nil, d, err
	}
	if len(rows) != 1 || rows[0]["one"] != "1" {
		return nil, d, errors.New("the answer is not 1")
	}
	return rows[0], dialectOf(rows[0]["version"]), nil
}

// ask runs a statement, which name stands for in a reason.
func (l *look) ask(ctx context.Context, name, statement string) ([]record, error) {
	l.doing = name
	return l.session.ask(ctx, statement)
}

// counters collects variables and status counters. A server that will not tell them
// is no failure: the facts are fewer.
func (l *look) counters(ctx context.Context, d dialect) (map[string]string, error) {
	all := make(map[string]string)
	for _, statement := range d.counters {
		rows, err := l.ask(ctx, "SHOW GLOBAL STATUS", statement)
		if _, ok := refused(err); ok {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			all[strings.ToLower(r["Variable_name"])] = r["Value"]
		}
	}
	return all, nil
}

// channels asks for the state of replication. hidden says why the server will not
// tell us, where it does not.
func (l *look) channels(ctx context.Context, d dialect) (found []channel, hidden string, err error) {
	for _, statement := range d.replicas {
		rows, err := l.ask(ctx, statement, statement)
		own, ok := refused(err)
		switch {
		case ok && own.Number == errSpecificAccessDenied:
			return nil, "needs the " + d.monitor + " privilege", nil
		case ok: // an older server does not know the newer words
			hidden = own.Error()
		case err != nil:
			return nil, "", err
		default:
			return parseChannels(rows), "", nil
		}
	}
	return nil, hidden, nil
}

// withoutReplication is the observation of a server that runs but does not let us see
// its replication: the role stays unknown unless its counters give it away, and it
// is not called writable, since a replica may be.
func (l *look) withoutReplication(counters map[string]string, hidden string) Observation {
	note := "replication state not visible: " + hidden
	l.facts["replication_hidden"] = note
	seen := Observation{Code: command.OK, Reason: note}
	if running := counters["slaves_running"]; running != "" && running != "0" {
		seen.Role = Slave
	}
	return seen
}
