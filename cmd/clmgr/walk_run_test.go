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

// walkRun is a clmgr that runs.
type walkRun struct {
	w         *walk
	out, said bytes.Buffer
	ended     chan error // what waiting for it came to
	cmd       *exec.Cmd
}

// begin starts clmgr.
func (w *walk) begin(stdin string, args ...string) *walkRun {
	w.t.Helper()
	self, err := os.Executable()
	w.must(err)
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	r := &walkRun{w: w, ended: make(chan error, 1), cmd: exec.CommandContext(ctx, self)}
	r.cmd.Args = append([]string{walkedName, "-c", filepath.Join(w.dir, "clmgr.yaml"), "-o", "json"}, args...)
	r.cmd.Dir = w.dir
	r.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "GORACE=atexit_sleep_ms=0", walkFile + "=" + filepath.Join(w.dir, "met")}
	r.cmd.Env = append(r.cmd.Env, w.env...)
	r.cmd.Stdin = strings.NewReader(stdin)
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.said
	w.runs++
	w.must(r.cmd.Start())
	go func() {
		defer cancel()
		r.ended <- r.cmd.Wait()
	}()
	return r
}

// end waits for its end.
func (r *walkRun) end() walkAnswer {
	w := r.w
	w.t.Helper()
	err := <-r.ended
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	a := walkAnswer{code: r.cmd.ProcessState.ExitCode(), out: r.out.Bytes(), said: r.said.String()}
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

// once runs clmgr once.
func (w *walk) once(stdin string, args ...string) walkAnswer {
	w.t.Helper()
	return w.begin(stdin, args...).end()
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
