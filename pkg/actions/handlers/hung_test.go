package handlers

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/services"
)

// unitHost is a machine whose unit is in some state.
type unitHost string

func (h unitHost) Run(context.Context, string, io.Reader) (remote.Output, error) {
	if h == "" {
		return remote.Output{}, &remote.Error{Stage: remote.StageSilent, Machine: "m1", Err: errors.New("no answer")}
	}
	text := "Up=10\nId=u.service\nLoadState=loaded\nActiveState=" + string(h) + "\nSubState=x\nResult=success\nType=notify\nInvocationID=1\nStateChangeTimestampMonotonic=1\n"
	return remote.Output{Stdout: []byte(text)}, nil
}

// A restart of what hangs is for what runs and does not answer, and nothing else.
func TestHung(t *testing.T) {
	silent := services.Observation{Code: command.DatabaseCommFailure}
	for _, c := range []struct {
		name, word string
		host       unitHost
		seen       services.Observation
		want       time.Duration
		permanent  bool
		err        string
	}{
		{"hangs", "30s", "active", silent, 30 * time.Second, false, ""},
		{"on its way", "30s", "activating", silent, 30 * time.Second, false, ""},
		{"answers by now", "30s", "active", services.Observation{Code: command.OK}, answers, false, ""},
		{"answers, though not well", "30s", "active", services.Observation{Code: command.SQLFailure}, answers, false, ""},
		{"does not run", "30s", "failed", silent, 0, true, "by now its unit u does not run (failed)"},
		{"was stopped", "30s", "inactive", silent, 0, true, "(inactive)"},
		{"out of reach", "30s", "", silent, 0, false, "m1"},
		{"an odd word", "soon", "active", silent, 0, true, `"soon" is no time`},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := actions.Action{Require: map[string]string{HungKey: c.word}}
			s := Service{
				Name: "db1", Host: c.host, Control: services.Control{Unit: "u"},
				Probe: func(context.Context) services.Observation { return c.seen },
			}
			got, err := hung(t.Context(), a, s)
			if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v, %v", got, err)
			}
			var wait *actions.Wait
			if errors.As(err, new(*actions.Permanent)) != c.permanent || errors.As(err, &wait) != (c.host == "") {
				t.Errorf("%T: %v", err, err)
			}
		})
	}
	if got, err := hung(t.Context(), actions.Action{}, Service{}); got != 0 || err != nil {
		t.Errorf("of another command: %v, %v", got, err)
	}
}
