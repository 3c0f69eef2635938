package services

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/clmgr/clmgr/pkg/command"
)

// backend is one of an HAProxy's backends, with its servers.
type backend struct {
	name    string
	servers []backendServer
}

type backendServer struct {
	name, status string // "UP", "UP 1/3", "DOWN", "DRAIN", "MAINT (via a/b)", "no check", …
	check        string // "L4CON"; may be empty
}

// standing is what a server's status comes to.
type standing int

// The standings.
const (
	up standing = iota
	down
	drained // takes no new sessions, since somebody said so
	maint   // takes none at all, since somebody said so
	standings
)

func (s standing) String() string { return [...]string{"up", "down", "drain", "maint"}[s] }

// standing reads a status. A server on its way up is down still and one on its way
// down is up still, as HAProxy itself has it; one without a check counts as up.
func (s backendServer) standing() standing {
	word, _, _ := strings.Cut(s.status, " ")
	switch {
	case word == "UP", s.status == "no check":
		return up
	case word == "DRAIN", word == "NOLB":
		return drained
	case word == "MAINT":
		return maint
	}
	return down
}

// parseHAProxyStat reads the answer to "show stat": CSV whose first line names the
// columns. A backend without servers, as the stats page itself has one, is left out.
func parseHAProxyStat(from io.Reader) ([]backend, error) {
	rows := csv.NewReader(from)
	rows.FieldsPerRecord = -1
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err != nil {
		return nil, errors.New("no header")
	}
	columns, err := haproxyColumns(header)
	if err != nil {
		return nil, err
	}
	var backends []backend
	index := make(map[string]int)
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return backends, nil
		}
		if err != nil {
			return nil, errors.New("a malformed line")
		}
		if len(row) <= columns.last() {
			return nil, errors.New("a short line")
		}
		if row[columns.kind] != haproxyServerRow {
			continue
		}
		name := row[columns.proxy]
		if _, ok := index[name]; !ok {
			index[name] = len(backends)
			backends = append(backends, backend{name: name})
		}
		b := &backends[index[name]]
		b.servers = append(b.servers, backendServer{row[columns.server], row[columns.status], row[columns.check]})
	}
}

// haproxyServerRow is the type of the rows that are servers.
const haproxyServerRow = "2"

// statColumns are where the columns stand that are read.
type statColumns struct{ proxy, server, status, kind, check int }

func (c statColumns) last() int { return max(c.proxy, c.server, c.status, c.kind, c.check) }

func haproxyColumns(header []string) (statColumns, error) {
	at := make(map[string]int, len(header))
	for i, name := range header {
		at[strings.TrimPrefix(name, "# ")] = i
	}
	for _, name := range []string{"pxname", "svname", "status", "type", "check_status"} {
		if _, ok := at[name]; !ok {
			return statColumns{}, fmt.Errorf("no column %s", name)
		}
	}
	return statColumns{at["pxname"], at["svname"], at["status"], at["type"], at["check_status"]}, nil
}

// count tells how many of the servers have each standing.
func (b backend) count() [standings]int {
	var n [standings]int
	for _, s := range b.servers {
		n[s.standing()]++
	}
	return n
}

// String is "db (2 down, 1 drain)".
func (b backend) String() string {
	var parts []string
	for s, n := range b.count() {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, standing(s)))
		}
	}
	return b.name + " (" + strings.Join(parts, ", ") + ")"
}

// judgeBackends makes the observation of an HAProxy that answers: it does its job when
// every backend has a server that is up. A server that somebody drained or took out is
// no failure as long as another is up.
func judgeBackends(backends []backend) Observation {
	var dead []string
	for _, b := range backends {
		if b.count()[up] == 0 {
			dead = append(dead, b.String())
		}
	}
	switch len(dead) {
	case 0:
		return Observation{Code: command.OK, Role: NA}
	case 1:
		return Observation{Code: command.RemoteMonitorFailure, Reason: "no server is up in backend " + dead[0]}
	}
	return Observation{
		Code:   command.RemoteMonitorFailure,
		Reason: fmt.Sprintf("no server is up in %d of %d backends: %s", len(dead), len(backends), strings.Join(dead, ", ")),
	}
}

// backendFacts are the facts of the backends: their number, how many servers stand how,
// in all and in each, and the status of each server that is not simply up.
func backendFacts(backends []backend) map[string]any {
	facts := map[string]any{"backends": int64(len(backends))}
	var all [standings]int
	for _, b := range backends {
		for s, n := range b.count() {
			all[s] += n
			if n > 0 {
				facts[fmt.Sprintf("servers_%s[%s]", standing(s), b.name)] = int64(n)
			}
		}
		for _, s := range b.servers {
			if s.status == "UP" || s.status == "no check" {
				continue
			}
			facts["server["+b.name+"/"+s.name+"]"] = strings.TrimSpace(s.status + " " + s.check)
		}
	}
	for s, n := range all {
		facts["servers_"+standing(s).String()] = int64(n)
	}
	return facts
}
