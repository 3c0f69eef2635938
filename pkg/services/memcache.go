package services

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/clmgr/clmgr/pkg/command"
)

// memcacheDriver probes memcached by its text protocol. Both questions go out in
// one write and one connection serves them.
func memcacheDriver() driver {
	return driver{
		info:  ModeInfo{Type: "nosql", Port: 11211, Unit: "memcached", Packages: []string{"memcached"}},
		probe: probeMemcache,
	}
}

// memcacheLimit is how many bytes of answer a memcached may send: "stats" takes
// two or three KiB.
const memcacheLimit = 64 << 10

// memcacheLine is the longest line taken, in bytes.
const memcacheLine = 1024

func probeMemcache(ctx context.Context, a attempt) Observation {
	conn, done, failure := a.dial(ctx, command.MemcacheCommFailure)
	if failure != nil {
		return *failure
	}
	defer done()
	if _, err := io.WriteString(conn, "version\r\nstats\r\n"); err != nil {
		return a.lost(ctx, command.MemcacheCommFailure, "while asking for the version", err)
	}
	r := bufio.NewReaderSize(io.LimitReader(conn, memcacheLimit), memcacheLine)
	line, err := memcacheAnswer(r)
	if err != nil {
		return a.memcacheBroken(ctx, line, err, "version")
	}
	version, ok := memcacheVersion(line)
	if !ok {
		return a.failed(command.MemcacheCommFailure, fmt.Sprintf("answered %s to version", a.sample([]byte(line))))
	}
	facts := map[string]any{"version": version}
	if line, err = memcacheStats(r, facts); err != nil {
		return a.memcacheBroken(ctx, line, err, "stats")
	}
	return Observation{Code: command.OK, Role: NA, Facts: facts}
}

// memcacheBroken is the observation of an answer that did not come, or not whole.
func (a attempt) memcacheBroken(ctx context.Context, got string, err error, question string) Observation {
	const code = command.MemcacheCommFailure
	switch {
	case errors.Is(err, errMemcacheAnswer):
		return a.failed(code, fmt.Sprintf("answered %s to %s", a.sample([]byte(got)), question))
	case got == "" && question == "version":
		return a.silence(ctx, code, err)
	case ctx.Err() != nil:
		return a.failed(code, fmt.Sprintf("connected, no complete answer to %s %s", question, a.within()))
	}
	return a.lost(ctx, code, "in the middle of the answer to "+question, err)
}

// errMemcacheAnswer is an answer that is not in memcached's protocol.
var errMemcacheAnswer = errors.New("not memcached's protocol")

// memcacheAnswer reads one line without its CR LF. With an error it returns what it
// had so far; errMemcacheAnswer is a line too long or ended wrongly.
func memcacheAnswer(r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return string(line), errMemcacheAnswer
	case err != nil:
		return string(line), err
	}
	text, ok := strings.CutSuffix(string(line), "\r\n")
	if !ok {
		return string(line), errMemcacheAnswer
	}
	return text, nil
}

// memcacheVersion takes the version out of "VERSION 1.6.18".
func memcacheVersion(line string) (string, bool) {
	version, ok := strings.CutPrefix(line, "VERSION ")
	return version, ok && version != "" && strings.TrimSpace(version) == version
}

// memcacheStats reads the lines "STAT name value" up to END and keeps those worth
// showing. A proxy in front of memcached may know no stats and say ERROR or hang
// up: the facts are then fewer, and nothing is wrong. It returns the line an error
// is about.
func memcacheStats(r *bufio.Reader, facts map[string]any) (string, error) {
	for first := true; ; first = false {
		line, err := memcacheAnswer(r)
		switch {
		case errors.Is(err, io.EOF) && first && line == "":
			return "", nil
		case err != nil:
			return line, err
		case line == "END":
			return "", nil
		case first && memcacheRefusal(line):
			return "", nil
		}
		stat, ok := strings.CutPrefix(line, "STAT ")
		name, value, two := strings.Cut(stat, " ")
		if !ok || !two || name == "" {
			return line, errMemcacheAnswer
		}
		if fact, kept := memcacheFact(name); kept {
			number, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return line, errMemcacheAnswer
			}
			facts[fact] = number
		}
	}
}

// memcacheRefusal tells whether the line is one of the protocol's error answers.
func memcacheRefusal(line string) bool {
	return line == "ERROR" || strings.HasPrefix(line, "CLIENT_ERROR ") || strings.HasPrefix(line, "SERVER_ERROR ")
}

// memcacheFact names the fact that a statistic becomes.
func memcacheFact(stat string) (string, bool) {
	switch stat {
	case "curr_connections", "curr_items", "bytes", "limit_maxbytes", "evictions":
		return stat, true
	case "uptime":
		return "uptime_seconds", true
	}
	return "", false
}
