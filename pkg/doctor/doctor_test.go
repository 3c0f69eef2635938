package doctor_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/clmgr/clmgr/internal/children"
	"github.com/clmgr/clmgr/pkg/eventlog"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Scripts run one after another, a folder's by name, and every event comes once.
func TestOrder(t *testing.T) {
	s := newSite(t, eventlog.Options{MaxSize: 1000}) // some three events a file
	all := `echo "${0##*/}" >> "$folder/order"; ` + take
	s.script(t, "z", all)
	for _, name := range []string{"d/20-b", "d/10-a", "d/9", "d/.hidden", "d/a~", "d/a.bak", "d/#a#", "d/a.dpkg-old"} {
		s.script(t, name, all)
	}
	s.write(t, "d/README", "not for running", 0o644)
	s.script(t, "d/folder/inside", all)
	if err := os.Symlink(s.path("z"), s.path("d/link")); err != nil {
		t.Fatal(err)
	}
	d := s.doctor(time.Minute, "z", "d")
	if told := treat(t, d); told != nil {
		t.Errorf("nothing happened, but told %q", states(told))
	}
	for n := range 10 {
		s.add(t, 2*n, 2*n+2)
		treat(t, d)
	}
	order, err := os.ReadFile(s.path("order"))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("z\n10-a\n20-b\n9\nlink\n", 10); string(order) != want {
		t.Errorf("the order was %q", order)
	}
	var want []string
	for n := range 10 {
		want = append(want, event(2*n).ID+" "+event(2*n+1).ID)
	}
	s.wantDocuments(t, "d/10-a", want...)
	s.wantDocuments(t, "d/9", want...)
}

// What is told stands in the log, and is handed to nobody.
func TestTold(t *testing.T) {
	s := newSite(t, eventlog.Options{})
	s.script(t, "a", take+"; echo mailed")
	s.script(t, "b", take+"; exit 3")
	s.add(t, 0, 2)
	before := time.Now()
	told := treat(t, s.doctor(time.Minute, "a", "b"))
	wantStates(t, told, "a: 2 events: exit 0", "b: 2 events: exit 3")
	if diff := cmp.Diff(told, s.logged(t), cmpopts.EquateApproxTime(time.Millisecond), cmpopts.EquateComparable(told[0].IP)); diff != "" {
		t.Error(diff)
	}
	e := told[0]
	if e.Key != (heartbeat.Key{Kind: heartbeat.Scripts, Name: s.path("a")}) || e.Manager != "m1" || e.At.Before(before) || e.ID == told[1].ID {
		t.Errorf("%+v", e)
	}
	if text := e.String(); !strings.HasPrefix(text, "script "+s.path("a")+": 2 events → exit 0: after ") || !strings.HasSuffix(text, ": mailed") {
		t.Errorf("%q", text)
	}
	s.add(t, 2, 3)
	treat(t, s.doctor(time.Minute, "a", "b"))
	s.wantDocuments(t, "a", "e0 e1", "e2")
	s.wantDocuments(t, "b", "e0 e1", "e2")
}

// A new script begins with the present heartbeat, also where it dies at once and
// where there was nothing at first.
func TestFirstSeen(t *testing.T) {
	s := newSite(t, eventlog.Options{})
	s.script(t, "a", take)
	s.script(t, "b", take)
	s.script(t, "killer", take+"; kill -KILL $PPID")
	d := s.doctor(time.Minute, "a")
	if _, err := d.Treat(t.Context(), time.Now()); err != nil { // an empty log
		t.Fatal(err)
	}
	s.add(t, 0, 5)
	if _, err := d.Treat(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	s.wantDocuments(t, "a", "e0 e1 e2 e3 e4")

	if _, err := s.doctor(time.Minute, "b").Treat(t.Context(), noon.Add(3*time.Second+time.Microsecond)); err != nil {
		t.Fatal(err)
	}
	s.wantDocuments(t, "b", "e3 e4")

	cmd := child(t, "treat", s, "killer", 5)
	if err := cmd.Run(); err == nil {
		t.Fatal("the child was not killed")
	}
	s.script(t, "killer", take)
	if _, err := s.doctor(time.Minute, "killer").Treat(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	s.wantDocuments(t, "killer", "e0 e1 e2 e3 e4 e5", "e0 e1 e2 e3 e4 e5")
}

// What cannot be started keeps its events, and is told of once.
func TestCannotStart(t *testing.T) {
	s := newSite(t, eventlog.Options{})
	s.write(t, "plain", "#!/bin/sh\n", 0o644)
	s.write(t, "odd", "#!/none\n", 0o755)
	s.script(t, "z", take)
	d := s.doctor(time.Minute, "none", "plain", "odd", "z")
	s.add(t, 0, 1)
	told := treat(t, d)
	wantStates(t, told, "none: 1 event: cannot start", "plain: 1 event: cannot start", "odd: 1 event: cannot start", "z: 1 event: exit 0")
	for i, want := range []string{"no such file", "permission denied", "no such file"} {
		if !strings.Contains(told[i].Reason, want) {
			t.Errorf("told %q, want %q", told[i].Reason, want)
		}
	}
	wantStates(t, treat(t, d), "none: 1 event: cannot start", "plain: 1 event: cannot start", "odd: 1 event: cannot start")
	if n := len(s.logged(t)); n != 4 {
		t.Errorf("%d events are in the log, want 4", n)
	}
	s.add(t, 1, 2)
	for _, name := range []string{"none", "plain", "odd"} {
		s.script(t, name, take)
	}
	wantStates(t, treat(t, d), "none: 2 events: exit 0", "plain: 2 events: exit 0", "odd: 2 events: exit 0", "z: 1 event: exit 0")
	s.wantDocuments(t, "plain", "e0 e1")
}

// pipes makes named pipes through which a script and a test wait for each other.
func (s site) pipes(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := syscall.Mkfifo(s.path(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// read waits until somebody has written to a pipe.
func (s site) read(t *testing.T, name string) {
	t.Helper()
	if _, err := os.ReadFile(s.path(name)); err != nil {
		t.Fatal(err)
	}
}

// Who waits for another heartbeat's run waits as long as his context, and then
// finds nothing left.
func TestWaiting(t *testing.T) {
	s := newSite(t, eventlog.Options{})
	s.pipes(t, "begun", "go")
	s.script(t, "a", take+`; echo > "$folder/begun"; read line < "$folder/go"`)
	s.add(t, 0, 1)
	d := s.doctor(time.Minute, "a")
	first := make(chan error)
	go func() {
		_, err := d.Treat(context.WithoutCancel(t.Context()), noon)
		first <- err
	}()
	s.read(t, "begun")
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if told, err := d.Treat(short, noon); told != nil || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "waiting for the lock") {
		t.Errorf("%v, %v", told, err)
	}
	second := make(chan []heartbeat.Event)
	go func() {
		told, _ := d.Treat(t.Context(), noon)
		second <- told
	}()
	s.write(t, "go", "\n", 0o600)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if told := <-second; told != nil {
		t.Errorf("told %q again", states(told))
	}
	s.wantDocuments(t, "a", "e0")
}

// A heartbeat that ends takes its script with it, which keeps its events.
func TestInterrupted(t *testing.T) {
	s := newSite(t, eventlog.Options{})
	s.pipes(t, "begun")
	s.script(t, "a", take+`; test -p "$folder/begun" || exit 0; echo $$ > "$folder/pid"; echo > "$folder/begun"; sleep 60`)
	s.script(t, "b", take)
	s.add(t, 0, 1)
	d := s.doctor(time.Minute, "a", "b")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		s.read(t, "begun")
		cancel()
	}()
	told, err := d.Treat(ctx, noon)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	wantStates(t, told, "a: 1 event: interrupted")
	if len(s.logged(t)) != 1 || alive(s.number(t, "pid")) {
		t.Error("it is not in the log, or goes on")
	}
	if err := os.Remove(s.path("begun")); err != nil {
		t.Fatal(err)
	}
	wantStates(t, treat(t, d), "a: 1 event: exit 0", "b: 1 event: exit 0")
	s.wantDocuments(t, "a", "e0", "e0")
}

// Heartbeats at once, in several processes: one run at a time, nothing twice, all
// in order.
func TestAtOnce(t *testing.T) {
	s := newSite(t, eventlog.Options{})
	s.script(t, "a", `mkdir "$folder/alone" || echo overlap >> "$got"; `+take+`; rmdir "$folder/alone"`)
	treat(t, s.doctor(time.Minute, "a"))
	const processes = 12
	results := make(chan error)
	for n := range processes {
		cmd := child(t, "treat", s, "a", n)
		go func() {
			out, err := cmd.CombinedOutput()
			if err != nil {
				err = errors.New(err.Error() + ": " + string(out))
			}
			results <- err
		}()
	}
	for range processes {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	var inLog []string
	for entry, err := range s.log.List(t.Context(), eventlog.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(entry.ID, "e") && len(entry.ID) < 5 {
			inLog = append(inLog, entry.ID)
		}
	}
	runs := s.documents(t, "a")
	if got := strings.Fields(strings.Join(runs, " ")); len(got) != processes || !slices.Equal(got, inLog) {
		t.Errorf("given %q, in the log are %q", runs, inLog)
	}
	t.Logf("%d processes, %d runs", processes, len(runs))
}

// A heartbeat that a script makes does not wait for its own end; what it finds is
// handed over afterwards.
func TestHeartbeatWithin(t *testing.T) {
	s := newSite(t, eventlog.Options{})
	program, err := exec.LookPath(os.Args[0])
	if err == nil {
		program, err = filepath.Abs(program)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.script(t, "a", take+`; mkdir "$folder/once" || exit 0; `+children.Variable+`=treat '`+program+`' "$folder" a 7`)
	s.add(t, 0, 1)
	told := treat(t, s.doctor(30*time.Second, "a"))
	wantStates(t, told, "a: 1 event: exit 0", "a: 1 event: exit 0")
	s.wantDocuments(t, "a", "e0", "e7")
}
