package services

import (
	"context"
	"fmt"
	"io"
	"net"
	"regexp"

	"github.com/clmgr/clmgr/pkg/command"
)

// tcpLimit is how many bytes of an answer are looked at.
const tcpLimit = 64 << 10

// tcpProbe returns the probe of a TCP check.
func tcpProbe(c TCPCheck, expect *regexp.Regexp) func(context.Context, attempt) Observation {
	return func(ctx context.Context, a attempt) Observation {
		if c.Send == "" && expect == nil {
			return a.tcpConnect(ctx)
		}
		return a.tcpExchange(ctx, c.Send, expect)
	}
}

// tcpConnect is the bare connect: thousands of these run in one look, so it makes
// nothing that a connect does not need.
func (a attempt) tcpConnect(ctx context.Context) Observation {
	conn, err := a.connect(ctx)
	if err != nil {
		return a.unreached(ctx, command.DatabaseCommFailure, err)
	}
	conn.Close()
	return Observation{Code: command.OK}
}

// tcpExchange sends, and reads until the expression matches.
func (a attempt) tcpExchange(ctx context.Context, send string, expect *regexp.Regexp) Observation {
	conn, done, failure := a.dial(ctx, command.DatabaseCommFailure)
	if failure != nil {
		return *failure
	}
	defer done()
	if send != "" {
		if _, err := io.WriteString(conn, send); err != nil {
			return a.lost(ctx, command.DatabaseCommFailure, "while sending", err)
		}
	}
	if expect == nil {
		return Observation{Code: command.OK}
	}
	return a.tcpAwait(ctx, conn, expect)
}

// tcpAwait reads until the expression matches. Far sides that said something else
// and far sides that said nothing get different codes.
func (a attempt) tcpAwait(ctx context.Context, conn net.Conn, expect *regexp.Regexp) Observation {
	var got []byte
	chunk := make([]byte, 4096)
	for {
		n, err := conn.Read(chunk[:min(len(chunk), tcpLimit-len(got))])
		got = append(got, chunk[:n]...)
		switch {
		case n > 0 && expect.Match(got):
			return Observation{Code: command.OK}
		case len(got) >= tcpLimit:
			return a.failed(command.RemoteMonitorFailure, fmt.Sprintf("no match for %q in the first %d KiB, which begin %s",
				expect, tcpLimit>>10, a.sample(got)))
		case err == nil && ctx.Err() == nil:
			continue
		case len(got) == 0:
			return a.silence(ctx, command.DatabaseCommFailure, err)
		}
		return a.failed(command.RemoteMonitorFailure, fmt.Sprintf("no match for %q: %s after %s",
			expect, a.why(ctx, err), a.sample(got)))
	}
}

// silence is the observation of a connection on which nothing was said.
func (a attempt) silence(ctx context.Context, code command.Code, err error) Observation {
	if ctx.Err() != nil || timedOut(err) {
		return a.failed(code, "connected, no answer "+a.within())
	}
	return a.lost(ctx, code, "without an answer", err)
}
