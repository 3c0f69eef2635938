package services

import (
	"bytes"
	"context"
	"fmt"
	"regexp"

	"github.com/clmgr/clmgr/pkg/command"
)

// commandLimit is how many bytes of a command's output are compared.
const commandLimit = 1 << 20

// commandProbe returns the probe of a command check.
func commandProbe(c CommandCheck, expect *regexp.Regexp) func(context.Context, attempt) Observation {
	return func(ctx context.Context, a attempt) Observation {
		out, err := a.reach.Run(ctx, c.Run, nil)
		if err != nil {
			return a.noResult(ctx, err)
		}
		if out.Exit != c.Exit {
			return a.failed(command.RemoteCommandFailed, fmt.Sprintf("exit code %d, not %d%s",
				out.Exit, c.Exit, lastWords(out.Stderr, out.Stdout)))
		}
		stdout := out.Stdout[:min(len(out.Stdout), commandLimit)]
		if expect != nil && !expect.Match(stdout) {
			return a.failed(command.RemoteCommandFailed, fmt.Sprintf("output does not match %q: %s",
				expect, a.sample(stdout)))
		}
		return Observation{Code: command.OK}
	}
}

// noResult is the observation of a command that left no exit code: the machine was
// not reached, or it was and the command did not end well in time.
func (a attempt) noResult(ctx context.Context, err error) Observation {
	if _, ok := bySSH(err); ok {
		return a.unreached(ctx, command.RemoteCommFailure, err)
	}
	reason := err.Error()
	if ctx.Err() != nil {
		reason = "no result " + a.within() + ": " + reason
	}
	return a.failed(command.RemoteCommandFailed, reason)
}

// lastWords returns ": " and the last line of the first output that has one.
func lastWords(outputs ...[]byte) string {
	for _, output := range outputs {
		output = bytes.TrimSpace(output)
		if line := output[bytes.LastIndexByte(output, '\n')+1:]; len(line) > 0 {
			return ": " + string(line)
		}
	}
	return ""
}
