package doctor_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/children"
	"github.com/clmgr/clmgr/pkg/eventlog"
)

// A script kills the program that runs it when it has its events: the run is over
// and the mark has not moved.
func TestKillBetweenRunAndMark(t *testing.T) {
	s := newSite(t, eventlog.Options{})
	s.script(t, "a", take+`; test -e "$folder/calm" || kill -KILL $PPID`)
	s.add(t, 0, 2)
	for n := 2; n < 5; n++ {
		cmd := child(t, "treat", s, "a", n)
		if err := cmd.Run(); cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("the child was not killed: %v", err)
		}
	}
	s.write(t, "calm", "", 0o644)
	wantStates(t, treat(t, s.doctor(time.Minute, "a")), "a: 5 events: exit 0")
	s.wantDocuments(t, "a", "e0 e1 e2", "e0 e1 e2 e3", "e0 e1 e2 e3 e4", "e0 e1 e2 e3 e4")
	if told := treat(t, s.doctor(time.Minute, "a")); told != nil {
		t.Errorf("told %v again", states(told))
	}
}

// Killed at any moment, the program loses no event and changes no order.
func TestKillAtAnyMoment(t *testing.T) {
	s := newSite(t, eventlog.Options{})
	s.script(t, "a", take)
	stored, kills := 0, 15
	for range kills {
		cmd := child(t, "forever", s, "a", stored)
		lines := children.Start(t, cmd)
		for range 1 + rand.IntN(4) {
			if lines.Scan() {
				stored = number(t, lines.Text())
			}
		}
		time.AfterFunc(rand.N(10*time.Millisecond), func() { _ = cmd.Process.Kill() })
		for lines.Scan() {
			stored = number(t, lines.Text())
		}
		_ = cmd.Wait()
	}
	s.add(t, stored, stored+1)
	treat(t, s.doctor(time.Minute, "a"))
	var firsts []string
	seen, repeats := map[string]bool{}, 0
	for _, run := range s.documents(t, "a") {
		for _, id := range strings.Fields(run) {
			if seen[id] {
				repeats++
			} else {
				seen[id], firsts = true, append(firsts, id)
			}
		}
	}
	var want []string
	for n := range stored + 1 {
		want = append(want, event(n).ID)
	}
	if !slices.Equal(firsts, want) {
		t.Errorf("given %q, want %q", firsts, want)
	}
	t.Logf("%d kills, %d events, %d repeats", kills, stored, repeats)
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("the child says %q", text)
	}
	return n
}
