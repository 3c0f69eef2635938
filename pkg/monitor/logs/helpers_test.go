package logs_test

import (
	"context"
	"errors"
	"io"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/monitor/logs"
	"github.com/clmgr/clmgr/pkg/remote"
)

func failOnce([]heartbeat.Event) error { return errors.New("the power went") }

// asUser runs commands as a user who may read nothing.
type asUser struct{ logs.Machine }

func (a asUser) Run(ctx context.Context, command string, stdin io.Reader) (remote.Output, error) {
	return a.Machine.Run(ctx, "exec su clmgr -c "+quoted(command), stdin)
}

func quoted(s string) string {
	out := []byte{'\''}
	for _, c := range []byte(s) {
		if c == '\'' {
			out = append(out, `'\''`...)
		} else {
			out = append(out, c)
		}
	}
	return string(append(out, '\''))
}
