package services

import (
	"context"
	"errors"

	"github.com/clmgr/clmgr/pkg/command"
)

// mysqlProxyDriver probes what passes MySQL sessions on, whichever program that is, by
// a session through it.
func mysqlProxyDriver() driver {
	return driver{
		info:  ModeInfo{Type: "proxy", Port: 4040, Unit: "mysql-proxy"},
		probe: sessionProbe("", (*look).observeProxy),
	}
}

// observeProxy asks the server that the proxy chose. A proxy that runs but finds no
// server lets nobody log in, and the observation is that of a database which does not.
func (l *look) observeProxy(ctx context.Context) (Observation, error) {
	rows, err := l.ask(ctx, "SELECT 1",
		"SELECT 1 AS one, VERSION() AS version, @@hostname AS hostname, @@server_id AS server_id")
	if own, ok := refused(err); ok && own.Number == errUnknownSystemVariable {
		rows, err = l.ask(ctx, "SELECT 1", "SELECT 1 AS one, VERSION() AS version")
	}
	if err != nil {
		return Observation{}, err
	}
	if len(rows) != 1 || rows[0]["one"] != "1" {
		return Observation{}, errors.New("the answer is not 1")
	}
	l.facts = map[string]any{"backend_version": rows[0]["version"]}
	if name, ok := rows[0]["hostname"]; ok {
		l.facts["backend_hostname"] = name
	}
	number(l.facts, "backend_server_id", rows[0]["server_id"])
	return Observation{Code: command.OK, Role: NA}, nil
}
