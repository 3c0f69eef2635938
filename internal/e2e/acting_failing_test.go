package e2e_test

import (
	"slices"
	"strings"
	"testing"
)

// hangingStep is ended by its limit while heartbeats follow it, and counts as failed.
func hangingStep(t *testing.T, a *acting) {
	c := a.beside(t, "hanging", "m1")
	c.started("hang", "m1", "echo begun >>/root/hang; sleep 600")
	c.Actions["limit"], c.Actions["time"], c.Actions["tries"] = "6s", "2s", 1
	m := newManager(t, c)
	m.run("actions", "add", "--do", "services:start:hang").want(t, 0)
	followed := 0
	all := m.until("the step given up", func(b beat) bool {
		if len(b.moves("fail")) > 0 {
			followed++
			if !strings.Contains(b.Acted[len(b.Acted)-1].Reason, "still running") {
				t.Errorf("a heartbeat that could not wait said %+v", b.Acted)
			}
		}
		return b.Queue.Failed == 1
	})
	if followed == 0 {
		t.Error("no heartbeat went away from it")
	}
	if last := all[len(all)-1]; last.Move != "give-up" || !strings.Contains(last.Reason, "timeout") {
		t.Errorf("it ended with %+v", last)
	}
	if list := m.actions("--state", "failed"); len(list) != 1 || list[0].Progress.Failure.Times != 1 {
		t.Errorf("failed: %+v", list)
	}
	if n := a.lines(t, "m1", "/root/hang"); n != 1 {
		t.Errorf("it was begun %d times", n)
	}
	if left := a.on(t, "m1", "pgrep -fx 'sleep 600' || true"); left != "" {
		t.Errorf("it is still there: %s", left)
	}
}

// flakyStep fails three times, each told, and then works.
func flakyStep(t *testing.T, a *acting) {
	c := a.beside(t, "flaky", "m1")
	c.started("flaky", "m1", "echo try >>/root/flaky; [ $(wc -l </root/flaky) -gt 3 ] || { echo not yet; exit 7; }")
	m := newManager(t, c)
	a1 := m.run("-o", "json", "services", "start", "flaky").want(t, 1, "exit status 7", "not yet", "the heartbeats try")
	if d := parse(t, a1.stdout); d.Code != "ER0018" {
		t.Errorf("code %s", d.Code)
	}
	all := beat{Acted: m.settle()}
	if failed, done := len(all.moves("fail")), len(all.moves("finish")); failed != 2 || done != 1 {
		t.Errorf("after the first failure: %+v", all.Acted)
	}
	if n := a.lines(t, "m1", "/root/flaky"); n != 4 {
		t.Errorf("it was tried %d times", n)
	}
}

// brokenStep fails until somebody mends its cause and says so.
func brokenStep(t *testing.T, a *acting) {
	c := a.beside(t, "broken", "m1")
	c.started("broken", "m1", "echo try >>/root/broken; test -e /root/mended || { echo the cause >&2; exit 9; }")
	c.Actions["tries"] = 3
	m := newManager(t, c)
	m.run("actions", "add", "--do", "services:start:broken").want(t, 0)
	m.until("the step given up", func(b beat) bool { return b.Queue.Failed == 1 })
	if b := m.beat(); b.Queue.Failed != 1 || len(b.Acted) != 0 {
		t.Errorf("what was given up is tried again: %+v", b.Acted)
	}
	if n := a.lines(t, "m1", "/root/broken"); n != 3 {
		t.Errorf("it was tried %d times", n)
	}
	failed := m.actions()
	if len(failed) != 1 || failed[0].State != "failed" || !strings.Contains(failed[0].Reason, "the cause") {
		t.Fatalf("listed: %+v", failed)
	}
	for _, args := range [][]string{{"instances", "heartbeat"}, {"actions", "list"}, {"actions", "show", failed[0].ID}} {
		out := m.run(append([]string{"-o", "table"}, args...)...).want(t, 0).stdout
		if !strings.Contains(strings.Join(strings.Fields(out), " "), "the cause") {
			t.Errorf("%v does not tell the error:\n%s", args, out)
		}
	}
	a.on(t, "m1", "touch /root/mended")
	m.run("actions", "retry", failed[0].ID).want(t, 0)
	m.run("actions", "retry", failed[0].ID).want(t, 5, "it is waiting")
	all := beat{Acted: m.settle()}
	if !slices.Equal(all.moves("finish"), []string{"services:start:broken"}) {
		t.Errorf("after the retry: %+v", all.Acted)
	}
}

// holding keeps a group from being changed by any door, until it is released.
func holding(t *testing.T, a *acting) {
	c := a.beside(t, "holding", "m1", service{Name: "held", Mode: "kept", Instance: "m1", Unit: "seed@held"})
	m := newManager(t, c)
	m.run("actions", "add", "--do", "services:start:held").want(t, 0)
	m.run("hold", "held", "--for", "1h", "--reason", "its disk is replaced").want(t, 0)
	m.run("services", "start", "held").want(t, 5, "held", "its disk is replaced", "clmgr release held")
	m.pipe(`{level: "services", command: {action: "restart", group: "all"}}`).want(t, 5, "its disk is replaced")
	m.run("instances", "stop", "m1").want(t, 5, "its disk is replaced")
	m.run("instances", "terminate", "m1", "--yes").want(t, 5, "its disk is replaced")
	for range 2 {
		b := m.beat()
		if len(b.Holds) != 1 || b.Holds[0].Group != "held" || b.Queue.Waiting != 1 || len(b.Acted) != 0 {
			t.Errorf("while it is held: %+v, %+v, %+v", b.Holds, b.Queue, b.Acted)
		}
	}
	if out := m.run("-o", "table", "instances", "heartbeat").want(t, 0).stdout; !strings.Contains(out, "held is held by") {
		t.Errorf("the table does not show it:\n%s", out)
	}
	if list := m.actions(); len(list) != 1 || list[0].Why != "hold" || !strings.Contains(list[0].Reason, "its disk is replaced") {
		t.Errorf("listed: %+v", list)
	}
	if n := a.starts(t, "m1", "seed@held"); n != 0 {
		t.Errorf("it was started %d times", n)
	}
	m.run("release", "held").want(t, 0)
	m.settle()
	if n := a.starts(t, "m1", "seed@held"); n != 1 {
		t.Errorf("after the release it was started %d times", n)
	}
	m.run("release", "held").want(t, 2, "nobody holds it")
}
