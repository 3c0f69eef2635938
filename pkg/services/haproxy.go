package services

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/clmgr/clmgr/pkg/command"
)

// haproxyDriver probes HAProxy by its stats socket or its stats page.
func haproxyDriver() driver {
	return driver{info: ModeInfo{Type: "lb", NoPort: true, Stats: true, Unit: "haproxy", Packages: []string{"haproxy"}}, probe: probeHAProxy}
}

const (
	haproxySocket = "/run/haproxy/admin.sock" // where Debian's package has it
	haproxyLimit  = 4 << 20                   // bytes of answer: a server's line takes some 400
)

func probeHAProxy(ctx context.Context, a attempt) Observation {
	if a.Stats.Path != "" {
		return a.haproxyByPage(ctx)
	}
	return a.haproxyBySocket(ctx)
}

// haproxyBySocket asks both questions over one connection. The socket closes after the
// answers, each of which ends in an empty line.
func (a attempt) haproxyBySocket(ctx context.Context) Observation {
	conn, done, failure := a.dialSocket(ctx, cmp.Or(a.Stats.Socket, haproxySocket))
	if failure != nil {
		return *failure
	}
	defer done()
	if _, err := io.WriteString(conn, "show info;show stat\n"); err != nil {
		return a.lost(ctx, command.DatabaseCommFailure, "while asking", err)
	}
	answer, err := io.ReadAll(io.LimitReader(conn, haproxyLimit+1))
	switch {
	case len(answer) > haproxyLimit:
		return a.failed(command.RemoteMonitorFailure, fmt.Sprintf("the answer is longer than %d MiB and begins %s", haproxyLimit>>20, a.sample(answer)))
	case len(answer) == 0:
		return a.silence(ctx, command.DatabaseCommFailure, cmp.Or(err, io.EOF))
	case err != nil && ctx.Err() != nil:
		return a.failed(command.RemoteMonitorFailure, fmt.Sprintf("no complete answer %s after %s", a.within(), a.sample(answer)))
	case err != nil:
		return a.lost(ctx, command.RemoteMonitorFailure, "in the middle of the answer", err)
	}
	info, stat, _ := strings.Cut(string(answer), "\n\n")
	facts := haproxyInfo(info)
	if facts["version"] == nil {
		return a.failed(command.RemoteMonitorFailure, "not HAProxy: answered "+a.sample(answer))
	}
	if !strings.HasSuffix(stat, "\n\n") {
		return a.failed(command.RemoteMonitorFailure, "connection closed by the server in the middle of the answer")
	}
	return a.haproxyJudge(facts, stat)
}

// haproxyInfo keeps of "show info" what is worth showing.
func haproxyInfo(info string) map[string]any {
	facts := make(map[string]any)
	for line := range strings.Lines(info) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			continue
		}
		switch name {
		case "Version":
			facts["version"] = value
		case "Uptime_sec":
			number(facts, "uptime_seconds", value)
		case "CurrConns":
			number(facts, "curr_connections", value)
		}
	}
	return facts
}

// haproxyJudge makes the observation of an HAProxy that told how its servers do.
func (a attempt) haproxyJudge(facts map[string]any, stat string) Observation {
	backends, err := parseHAProxyStat(strings.NewReader(stat))
	if err != nil {
		return a.failed(command.RemoteMonitorFailure, fmt.Sprintf("not HAProxy's statistics: %v: %s", err, a.sample([]byte(stat))))
	}
	seen := judgeBackends(backends)
	for name, value := range backendFacts(backends) {
		facts[name] = value
	}
	seen.Facts = facts
	return seen
}

// dialSocket opens a connection to a socket of the machine, as dial does to a port.
func (a attempt) dialSocket(ctx context.Context, path string) (net.Conn, func(), *Observation) {
	conn, err := a.reach.DialThere(ctx, "unix", path)
	if err != nil {
		seen := a.socketUnreached(ctx, path, err)
		return nil, nil, &seen
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	return conn, func() { stop(); conn.Close() }, nil
}

// socketUnreached is the observation of a socket that did not let us in. An SSH server
// says only that it did not, so the machine is asked why. It answered: nothing is silent.
func (a attempt) socketUnreached(ctx context.Context, path string, err error) Observation {
	if _, ok := bySSH(err); ok || ctx.Err() != nil {
		return a.unreached(ctx, command.DatabaseCommFailure, err)
	}
	reason := err.Error()
	if out, err := a.reach.Run(ctx, "sh", strings.NewReader(socketQuestion(path))); err == nil && out.Exit == 0 {
		switch strings.TrimSpace(string(out.Stdout)) {
		case "missing":
			reason = "no such socket: " + path
		case "closed":
			reason = "permission denied for the SSH user: " + path
		case "other":
			reason = "not a socket: " + path
		case "open":
			reason = cmp.Or(prohibited(reason), "connection refused: "+path)
		}
	}
	return a.failed(command.DatabaseCommFailure, reason)
}

// prohibited returns what an SSH server that forwards nothing has said, else nothing.
func prohibited(reason string) string {
	if strings.Contains(reason, "does not allow forwarding") {
		return reason
	}
	return ""
}

// socketQuestion is a script that tells in one word what is at path.
func socketQuestion(path string) string {
	quoted := "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	return "p=" + quoted + `
if [ ! -e "$p" ]; then echo missing
elif [ ! -S "$p" ]; then echo other
elif [ ! -w "$p" ]; then echo closed
else echo open; fi
`
}
