package doctor_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/eventlog"
)

// How scripts behave that do not listen, and what is told of them. Each is followed
// by one that behaves.
func TestRuns(t *testing.T) {
	for _, c := range []struct {
		what, body    string
		state, reason string // the reason is a part of what is told
	}{
		{"good", "cat >/dev/null; echo fine", "exit 0", ": fine"},
		{"fails", "echo one; echo; echo '  two' >&2; exit 3", "exit 3", ": one / two"},
		{"is killed", "kill -KILL $$", "killed by SIGKILL", "after "},
		{"does not read", "exit 0", "exit 0", "after "},
		{"closes its input", "exec <&-; echo closed", "exit 0", ": closed"},
		{"reads a little", "head -c 10; exit 4", "exit 4", `: {"events":`},
		{"leaves one that does not read", "sleep 60 <&0 >/dev/null 2>&1 & echo $! > $folder/left; echo off", "exit 0", ": off"},
		{"leaves one that holds its output", "sleep 60 & echo $! > $folder/left; echo off", "exit 0", ": off"},
		{"says much", "head -c 5000000 /dev/zero | tr '\\0' x", "exit 0", ": xxxxx"},
		{"says much on many lines", "yes a line | head -n 1000000; exit 5", "exit 5", ": a line / a line"},
		{"says no text", "printf 'a\\377\\033[31mb\\tc\\r\\n'", "exit 0", ": a� [31mb c"},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := newSite(t, eventlog.Options{})
			s.script(t, "a", c.body)
			s.script(t, "b", take)
			s.add(t, 0, 1000) // more than a pipe holds
			if strings.Contains(c.body, "/left") {
				s.endAfter(t, "left")
			}
			told := treat(t, s.doctor(time.Minute, "a", "b"))
			wantStates(t, told, "a: 1000 events: "+c.state, "b: 1000 events: exit 0")
			if said := told[0].Reason; !strings.Contains(said, c.reason) || len(said) > 320 {
				t.Errorf("told %q, want %q", said, c.reason)
			}
			if told := treat(t, s.doctor(time.Minute, "a", "b")); told != nil {
				t.Errorf("told %q again", states(told))
			}
			if len(s.documents(t, "b")) != 1 {
				t.Error("the other script was not run once")
			}
		})
	}
}

// A script that goes on for too long is ended with all it has started.
func TestOverItsTime(t *testing.T) {
	for _, c := range []struct{ what, body, reason string }{
		{"ends when told", "trap 'echo tidied; exit 0' TERM; sleep 60 & echo $! > $folder/pid; wait", ": tidied"},
		{"does not listen", "trap '' TERM; echo $$ > $folder/pid; while :; do sleep 60; done", "after "},
		{"has one that does not listen", "(trap '' TERM; exec sleep 60) & echo $! > $folder/pid; wait", "after "},
		{"has one without output", "(trap '' TERM; exec sleep 60) >/dev/null 2>&1 & echo $! > $folder/pid; wait", "after "},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := newSite(t, eventlog.Options{})
			s.script(t, "a", c.body)
			s.script(t, "b", take)
			s.add(t, 0, 1)
			told := treat(t, s.doctor(300*time.Millisecond, "a", "b"))
			wantStates(t, told, "a: 1 event: over its time limit of 300ms", "b: 1 event: exit 0")
			if !strings.Contains(told[0].Reason, c.reason) {
				t.Errorf("told %q, want %q", told[0].Reason, c.reason)
			}
			if alive(s.number(t, "pid")) {
				t.Error("what it started goes on")
			}
			if told := treat(t, s.doctor(300*time.Millisecond, "a", "b")); told != nil {
				t.Errorf("told %q again", states(told))
			}
		})
	}
}

func TestWhatScriptsGet(t *testing.T) {
	t.Setenv("CLMGR_DATABASE_PASSWORD", "canary")
	t.Setenv("LANG", "C.UTF-8")
	s := newSite(t, eventlog.Options{})
	s.script(t, "a", `tr '\0' '\n' < /proc/$$/environ > "$folder/env"; pwd`)
	s.add(t, 0, 1)
	told := treat(t, s.doctor(time.Minute, "a"))
	if !strings.HasSuffix(told[0].Reason, ": /") {
		t.Errorf("its folder: %q", told[0].Reason)
	}
	text, err := os.ReadFile(s.path("env"))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(string(text))
	want := []string{"CLMGR_MANAGER=m1", "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "LANG=C.UTF-8"}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("its environment: %q, want %q", got, want)
	}
}

// A secret is not told, whole or in part.
func TestSecretsAreMasked(t *testing.T) {
	s := newSite(t, eventlog.Options{})
	s.script(t, "a", "echo the password is canary")
	s.script(t, "b", "head -c 295 /dev/zero | tr '\\0' x; echo canary") // where the telling ends
	s.script(t, "c", "yes canarycanarycanarycanary | head -c 70000 | tr -d '\\n'")
	s.write(t, "canary", "#!/none\n", 0o755)
	s.add(t, 0, 1)
	told := treat(t, s.doctor(time.Minute, "a", "b", "c", "canary"))
	if len(told) != 4 || !strings.HasSuffix(told[0].Reason, ": the password is xxx") {
		t.Errorf("%v", told)
	}
	for _, e := range told {
		if strings.Contains(e.Reason, "can") {
			t.Errorf("told %q", e.Reason)
		}
	}
}
