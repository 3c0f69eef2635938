package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// walkAnswer is what a run came to; the code of one that was killed is -1.
type walkAnswer struct {
	code    int
	out     []byte
	said    string
	Acted   []struct{ Do, Move string }
	Actions []walkAction
	Queue   struct{ Failed, Running, Waiting int }
}

type walkAction struct {
	ID     string `json:"id"`
	Action string `json:"do_action"`
	Group  string `json:"do_group"`
	State  string `json:"state"`
	Reason string `json:"reason"`
}

// once runs clmgr once.
func (w *walk) once(stdin string, args ...string) walkAnswer {
	w.t.Helper()
	self, err := os.Executable()
	w.must(err)
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, self)
	cmd.Args = append([]string{walkedName, "-c", filepath.Join(w.dir, "clmgr.yaml"), "-o", "json"}, args...)
	cmd.Dir = w.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "GORACE=atexit_sleep_ms=0", walkFile + "=" + filepath.Join(w.dir, "met")}
	cmd.Stdin = strings.NewReader(stdin)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	w.runs++
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	a := walkAnswer{code: cmd.ProcessState.ExitCode(), out: out.Bytes(), said: said.String()}
	switch {
	case strings.Contains(a.said, "DATA RACE"), strings.Contains(a.said, "panic:"):
		w.t.Fatal(a.said)
	case a.code == -1:
		w.kills++
	case len(a.out) > 0:
		w.must(json.Unmarshal(a.out, &a))
	}
	return a
}

// reach runs a command again and again until it is not killed; it must end with one
// of the codes.
func (w *walk) reach(codes []int, args ...string) walkAnswer {
	w.t.Helper()
	return w.pipe(codes, "", args...)
}

func (w *walk) pipe(codes []int, stdin string, args ...string) walkAnswer {
	w.t.Helper()
	for range 200 {
		a := w.once(stdin, args...)
		switch {
		case slices.Contains(codes, a.code):
			return a
		case a.code != -1:
			w.t.Fatalf("%v: exit code %d\n%s\n%s", args, a.code, a.out, a.said)
		}
	}
	w.t.Fatalf("%v was killed 200 times", args)
	return walkAnswer{}
}

// until runs heartbeats until yes.
func (w *walk) until(what string, yes func(walkAnswer) bool) {
	w.t.Helper()
	end := time.Now().Add(2 * time.Minute)
	for !yes(w.reach([]int{0, 3}, "instances", "heartbeat")) {
		if time.Now().After(end) {
			w.t.Fatalf("never seen: %s\n%s", what, w.reach([]int{0}, "actions", "list").out)
		}
	}
}

func (w *walk) untilEmpty() {
	w.t.Helper()
	w.until("the queue empty", func(a walkAnswer) bool { return a.Queue.Failed+a.Queue.Running+a.Queue.Waiting == 0 })
}
