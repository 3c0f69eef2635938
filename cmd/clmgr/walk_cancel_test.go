package main

import (
	"fmt"
	"strings"
	"time"
)

// cancelled has somebody cancel what waits, and what comes after that.
func (w *walk) cancelled() {
	when := "instances:" + w.ip() + ":stopped"
	id := w.reach([]int{0}, "actions", "add", "--when", when, "--do", "services:stop:late1").Actions[0].ID
	w.reach([]int{0}, "actions", "cancel", id)
	w.untilEmpty()
}

// halted has somebody cancel what is at work, whose owner lives and stops, until that
// was met in every way. The step on the machine goes on until it is let go, so that
// its end never comes before the cancel.
func (w *walk) halted() {
	for w.halts < 10 && (!w.met("shared", "stop") || !w.met("own", "stop")) {
		w.halts++
		id := w.reach([]int{0}, "actions", "add", "--do", "services:start:halted1").Actions[0].ID
		owner := w.atWork()
		w.reach([]int{0}, "actions", "cancel", id)
		if a := owner.end(); a.code != -1 && a.code != 0 && a.code != 3 {
			w.t.Fatalf("its owner ended with exit code %d\n%s\n%s", a.code, a.out, a.said)
		}
		w.on(fmt.Sprintf("touch /root/let; until test $(grep -c ended /root/halted) = %d; do sleep 0.1; done; rm /root/let", w.halts))
	}
	w.untilEmpty()
}

// atWork returns a heartbeat that runs while the step is under way on the machine. It
// may be the next one, which follows a step whose owner was killed.
func (w *walk) atWork() *walkRun {
	w.t.Helper()
	owner := w.begin("", "instances", "heartbeat")
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if len(owner.ended) > 0 {
			owner.end()
			owner = w.begin("", "instances", "heartbeat")
		}
		if strings.Count(w.on("cat /root/halted 2>/dev/null || true"), "begun") == w.halts && len(owner.ended) == 0 {
			return owner
		}
	}
	w.t.Fatal("the step never began")
	return nil
}
