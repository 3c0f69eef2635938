package e2e_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// actOnce runs two heartbeats of one manager at the same instant, again and again,
// each time with a restart and a command due.
func actOnce(t *testing.T, a *acting) {
	const unit, rounds = "seed@once", 10
	c := a.beside(t, "once", "m1", service{Name: "once", Mode: "kept", Instance: "m1", Unit: unit})
	c.started("line", "m1", "echo line >>/root/once")
	m := newManager(t, c)
	a.on(t, "m1", "systemctl start "+unit)
	for round := range rounds {
		m.pipe(fmt.Sprintf(`{actions: [{do_level: "services", do_action: "restart", do_group: "once", require: {"invocation of once": %q}}]}
			{actions: [{do_level: "services", do_action: "start", do_group: "line"}]}`, a.invocation(t, "m1", unit))).want(t, 0)
		one, two := m.start("-o", "json", "instances", "heartbeat"), m.start("-o", "json", "instances", "heartbeat")
		did := map[string]int{}
		for _, p := range []*process{one, two} {
			b := readBeat(t, p.wait().want(t, 0))
			for _, do := range b.moves("finish") {
				did[do]++
			}
		}
		for _, x := range m.settle() {
			if x.Move == "finish" {
				did[x.Do]++
			}
		}
		if did["services:restart:once"] != 1 || did["services:start:line"] != 1 {
			t.Errorf("round %d: told as done: %v", round, did)
		}
		if n := a.starts(t, "m1", unit); n != round+2 {
			t.Errorf("round %d: the unit was started %d times in all", round, n)
		}
		if n := a.lines(t, "m1", "/root/once"); n != round+1 {
			t.Errorf("round %d: the command ran %d times in all", round, n)
		}
	}
}

// missedEvent queues an action for a machine that runs: nobody sees it begin to, and
// the action is done all the same.
func missedEvent(t *testing.T, a *acting) {
	c := a.beside(t, "late", "m1", service{Name: "late", Mode: "kept", Instance: "m1", Unit: "seed@late"})
	m := newManager(t, c)
	m.heartbeat(0)
	r := m.run("-o", "json", "actions", "add", "--when", "instances:"+a.net+"21:running", "--do", "services:start:late").want(t, 0)
	if list := readActions(t, r); len(list) != 1 || list[0].State != "waiting" {
		t.Errorf("queued: %+v", list)
	}
	b := m.beat()
	wantEvents(t, b.Events)
	if got := strings.Join(b.moves("finish"), " "); got != "services:start:late" || !b.empty() {
		t.Errorf("done: %q, left: %+v", got, b.Queue)
	}
	if n := a.starts(t, "m1", "seed@late"); n != 1 {
		t.Errorf("it was started %d times", n)
	}
}

// killedDuringStep kills a heartbeat while a step runs on the machine.
func killedDuringStep(t *testing.T, a *acting) {
	longStep(t, a, "killed", func(p *process) {
		must(t, p.cmd.Process.Signal(syscall.SIGKILL))
		p.wait().want(t, -1)
	})
}

// lostDuringStep kills the machine's end of its connections.
func lostDuringStep(t *testing.T, a *acting) {
	longStep(t, a, "lost", func(p *process) {
		a.on(t, "m3", "pkill -KILL -f '^sshd: root'")
		b := readBeat(t, p.wait().want(t, 0))
		if got := b.moves("finish"); len(got) != 1 {
			t.Errorf("done: %+v", b.Acted)
		}
	})
}

// longStep has a heartbeat begin a step of some seconds, which disturb then parts from
// it. The step runs once, to its end.
func longStep(t *testing.T, a *acting, name string, disturb func(*process)) {
	begun, file := "/root/begun-"+name, "/root/"+name
	c := a.beside(t, name, "m3")
	c.started("long", "m3", "echo begun >>"+begun+"; sleep 6; echo line >>"+file)
	m := newManager(t, c)
	m.run("actions", "add", "--do", "services:start:long").want(t, 0)
	p := m.start("-o", "json", "instances", "heartbeat")
	eventually(t, "the step begun", func() bool { return a.lines(t, "m3", begun) == 1 })
	disturb(p)
	m.settle()
	if n, done := a.lines(t, "m3", begun), a.lines(t, "m3", file); n != 1 || done != 1 {
		t.Errorf("it was begun %d times and ended %d times", n, done)
	}
	if list := m.actions("--state", "done"); len(list) != 1 {
		t.Errorf("done: %+v", list)
	}
}
