package main

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/runner"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/manager"
	"github.com/google/go-cmp/cmp"
)

var nine = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// played is an action with what the moves made of it, each a minute after the other.
func played(t *testing.T, moves string) actions.Action {
	t.Helper()
	a := actions.Action{
		ID: actions.ID{Writer: "ops1-a", Seq: 2}, Cluster: "prod", Created: nine, Expires: nine.Add(24 * time.Hour),
		Do:      command.Command{Level: "services", Action: "start", Group: "node10"},
		AskedBy: actions.Asker{Who: "ann", Where: "ops1, by arguments", Command: "services start node10"},
	}
	now, limits := nine, actions.Usual()
	for _, move := range strings.Fields(moves) {
		now = now.Add(time.Minute)
		var err error
		p := a.Progress
		switch move {
		case "claim":
			p, err = p.Take("ops1/7-x", 30*time.Second, now)
		case "fail":
			p, err = p.Fail(p.Claim(), limits.Judge(a, errors.New("no space left"), now))
		case "wait":
			p, err = p.Fail(p.Claim(), limits.Judge(a, &actions.Wait{Reason: "no answer"}, now))
		case "give-up":
			p, err = p.Fail(p.Claim(), limits.Judge(a, &actions.Permanent{Err: errors.New("no such unit")}, now))
		case "park":
			p, err = p.Park("it waited until then: nothing but its turn")
		case "retry":
			p, err = p.Retry(now)
		case "finish":
			p, err = p.Finish(p.Claim(), now)
		case "cancel":
			p, err = p.Cancel(now)
		}
		if err != nil {
			t.Fatal(move, err)
		}
		a.Progress = p
	}
	return a
}

func TestActionStory(t *testing.T) {
	const head = "Action ops1-a.2 of cluster prod: services:start:node10\n"
	const asked = "  2026-11-21 09:00:00Z  asked for by ann at ops1, by arguments: services start node10\n"
	const parked = "  2026-11-22 09:00:00Z  is parked if it still waits then\n"
	for moves, want := range map[string]string{
		"":      head + asked + parked + "Now waiting: why",
		"claim": head + asked + "  2026-11-21 09:01:00Z  attempt 1 by ops1/7-x, not known to be over\nNow running: why",
		"claim finish": head + asked + "  2026-11-21 09:01:00Z  attempt 1 by ops1/7-x\n" +
			"  2026-11-21 09:02:00Z  done\nNow done",
		"claim fail": head + asked + "  2026-11-21 09:01:00Z  attempt 1 by ops1/7-x\n" +
			"  2026-11-21 09:02:04Z  is tried again from then on\n" + parked +
			"Now waiting: why\nThe last attempt: no space left\nAttempts that failed: 1",
		"claim wait": head + asked + "  2026-11-21 09:01:00Z  attempt 1 by ops1/7-x\n" +
			"  2026-11-21 09:02:05Z  is tried again from then on\n" + parked +
			"Now waiting: why\nThe last attempt: waits again: no answer",
		"claim give-up retry claim fail": head + asked + "  2026-11-21 09:01:00Z  attempt 1 by ops1/7-x\n" +
			"  2026-11-21 09:03:00Z  retried\n" +
			"  2026-11-21 09:04:00Z  attempt 1 since retry 1, by ops1/7-x\n" +
			"  2026-11-21 09:05:04Z  is tried again from then on\n" +
			"  2026-11-22 09:03:00Z  is parked if it still waits then\n" +
			"Now waiting: why\nThe last attempt: no space left\nAttempts that failed: 1",
		"park":   head + asked + "Now failed: why\nThe last attempt: it waited until then: nothing but its turn",
		"cancel": head + asked + "  2026-11-21 09:01:00Z  cancelled\nNow cancelled",
	} {
		x := played(t, moves)
		d := actions.Document{Verdicts: map[actions.ID]actions.Verdict{}}
		if !x.State().Finished() {
			d.Verdicts[x.ID] = actions.Verdict{Reason: "why"}
		}
		if diff := cmp.Diff(want, actionStory(d, x)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", moves, diff)
		}
	}

	x := played(t, "claim give-up")
	x.Plan, x.After, x.Instance = "ops1-a.1", []actions.ID{{Writer: "ops1-a", Seq: 1}, {Writer: "ops2-b", Seq: 9}}, "i-1"
	x.When = actions.Trigger{IP: netip.MustParseAddr("10.0.0.102"), Kind: heartbeat.Instances, State: "running"}
	got := actionStory(actions.Document{
		Verdicts: map[actions.ID]actions.Verdict{x.ID: {Reason: "no such unit"}}, Holders: map[actions.ID][]string{x.ID: {"ops1-a", "ops2-b"}},
	}, x)
	want := head + `  is part of plan ops1-a.1, in the order of its numbers
  comes after ops1-a.1, ops2-b.9
  waits for instances:10.0.0.102:running, as long as that is machine i-1
  is on the disks of ops1-a, ops2-b
` + asked + `  2026-11-21 09:01:00Z  attempt 1 by ops1/7-x
Now failed: no such unit
Attempts that failed: 1`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// With room the reason is a column, without it stands below.
func TestActionTable(t *testing.T) {
	x, y := played(t, ""), played(t, "claim fail claim give-up")
	x.When = actions.Trigger{IP: netip.MustParseAddr("10.0.0.102"), Kind: heartbeat.Services, State: "running"}
	y.ID.Seq = 3
	d := actions.Document{Actions: []actions.Action{x, y}, Verdicts: map[actions.ID]actions.Verdict{
		x.ID: {Due: true}, y.ID: {Reason: "no such unit"},
	}}
	for width, want := range map[int]string{
		0: `ID        DO                     WHEN                             STATE    REASON
ops1-a.2  services:start:node10  services at 10.0.0.102: running  waiting  is due with the next heartbeat
ops1-a.3  services:start:node10  at once                          failed   failed 2 times: no such unit
`,
		80: `ID        DO                     WHEN                             STATE
ops1-a.2  services:start:node10  services at 10.0.0.102: running  waiting
ops1-a.3  services:start:node10  at once                          failed
  ops1-a.2: is due with the next heartbeat
  ops1-a.3: failed 2 times: no such unit
`,
	} {
		var out bytes.Buffer
		a := &app{streams: streams{out: &out, width: width}}
		if err := a.actionTable(d, command.Result{Code: command.OK}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("width %d (-want +got):\n%s", width, diff)
		}
	}
}

func TestQueueLines(t *testing.T) {
	failed := played(t, "claim give-up")
	b := manager.Beat{
		Holds:  []actions.Hold{{Cluster: "prod", Group: "m2", Reason: "disk", By: actions.Asker{Who: "ann"}, Until: nine}},
		Failed: []actions.Action{failed}, Waiting: 2, Running: 1,
	}
	for _, told := range []struct {
		moves  string
		move   actions.Move
		reason string
	}{
		{"claim", actions.MoveClaim, ""},
		{"claim finish", actions.MoveFinish, ""},
		{"claim fail", actions.MoveFail, "no space left"},
		{"claim wait", actions.MoveFail, "waits again: no answer"},
		{"claim give-up", actions.MoveGiveUp, "no such unit"},
	} {
		x := played(t, told.moves)
		if x.State() != actions.Failed {
			x.ID.Seq = 5
		}
		b.Acted = append(b.Acted, runner.Told{Action: x, Move: told.move, Reason: told.reason})
	}
	want := `HELD, until clmgr release
  m2 of prod is held by ann: disk, until 2026-11-21T09:00:00Z

ACTED
  ops1-a.5 services:start:node10: done
  ops1-a.5 services:start:node10: failed, is tried again: no space left
  ops1-a.5 services:start:node10: not yet: waits again: no answer
  ops1-a.2 services:start:node10: given up

FAILED, until clmgr actions retry or cancel
  ops1-a.2 services:start:node10: no such unit

actions: 2 waiting, 1 running; clmgr actions list tells why`
	a := &app{}
	if diff := cmp.Diff(want, a.queueLines(b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := a.queueLines(manager.Beat{}); got != "" {
		t.Errorf("of an empty queue: %q", got)
	}
}
