package job_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/job"
)

// patience bounds what should take a moment only.
const patience = 60 * time.Second

// TestJobs runs jobs on a real machine. The subtests share it, each with units of its own.
func TestJobs(t *testing.T) {
	l := labtest.Up(t, lab.Databases(), "m1")
	b := &bench{lab: l, m: l.Machine("m1")}
	t.Run("endings", b.testEndings)
	t.Run("after", b.testAfter)
	t.Run("quoting", b.testQuoting)
	t.Run("output", b.testOutput)
	t.Run("terms", b.testTerms)
	t.Run("once an epoch", b.testOnceAnEpoch)
	t.Run("forget", b.testForget)
	t.Run("two at once", b.testTwoAtOnce)
	t.Run("many at once", b.testManyAtOnce)
	t.Run("limit", b.testLimit)
	t.Run("daemons", b.testDaemons)
	t.Run("hidden", b.testHidden)
	t.Run("connection lost", b.testConnectionLost)
	t.Run("answer lost", b.testAnswerLost)
	t.Run("network cut", b.testNetworkCut)
	t.Run("run gone", b.testRunGone)
	t.Run("sudo", b.testSudo)
	t.Run("no systemd", b.testNoSystemd)
}

type bench struct {
	lab *lab.Lab
	m   *lab.Machine
}

// host is a way of its own to the machine.
func (b *bench) host(t *testing.T, change ...func(*remote.Settings)) *remote.Host {
	t.Helper()
	pool := remote.NewPool(remote.Options{KeepAlive: time.Second})
	t.Cleanup(func() { pool.Close() })
	s := &remote.Settings{User: "root", Keys: []string{b.lab.KeyFile()}, KnownHosts: []string{b.lab.KnownHosts()}, Timeout: 5 * time.Second}
	for _, f := range change {
		f(s)
	}
	return pool.Host(s, remote.Machine{Name: b.m.Name(), IP: b.m.IP()})
}

func (b *bench) shell(t *testing.T, command string) string {
	t.Helper()
	out, complaint, err := b.m.Run(t.Context(), command, nil)
	if err != nil {
		t.Fatalf("%s: %v: %s", command, err, complaint)
	}
	return strings.TrimSpace(string(out))
}

func (b *bench) eventually(t *testing.T, what, command string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		if _, _, err := b.m.Run(t.Context(), command, nil); err == nil {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

// runs counts the runs of a unit by the machine's own journal.
func (b *bench) runs(t *testing.T, unit string) int {
	t.Helper()
	ids := b.shell(t, "journalctl --sync; journalctl -q --no-pager -o json --output-fields=INVOCATION_ID UNIT="+unit+
		".service | grep -o '\"INVOCATION_ID\":\"[0-9a-f]*\"' | sort -u")
	return len(strings.Fields(ids))
}

// lines are those of a file that jobs append to.
func (b *bench) lines(t *testing.T, file string) int {
	t.Helper()
	return len(strings.Fields(b.shell(t, "cat "+file)))
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func mustRun(t *testing.T, host *remote.Host, j job.Job) job.Result {
	t.Helper()
	r, err := job.Run(within(t), host, j)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// of is a job with a limit.
func of(unit, command string) job.Job {
	return job.Job{Unit: unit, Epoch: 1, Try: 1, Command: command, Limit: patience, Description: "a job of a test"}
}

func (b *bench) testEndings(t *testing.T) {
	h := b.host(t)
	for name, c := range map[string]struct {
		command string
		want    job.Result
		err     string
	}{
		"well":   {"echo done; echo and told >&2", job.Result{Outcome: "success", Output: "done\nand told"}, ""},
		"status": {"echo no luck; exit 7", job.Result{Outcome: "exit-code", Exit: 7, Output: "no luck"}, "exit status 7: no luck"},
		"signal": {"echo alas; kill -9 $$", job.Result{Outcome: "signal", Exit: 137, Output: "alas"}, "it ended by signal: alas"},
		"input":  {"cat; false | true", job.Result{Outcome: "success"}, ""},
		"syntax": {"if", job.Result{Outcome: "exit-code", Exit: 2}, "Syntax error"},
	} {
		got := mustRun(t, h, of("clmgr-end-"+name, c.command))
		if len(got.Invocation) != 32 {
			t.Errorf("%s: invocation %q", name, got.Invocation)
		}
		if c.want.Output != "" && got.Output != c.want.Output {
			t.Errorf("%s: output %q", name, got.Output)
		}
		if got.Outcome != c.want.Outcome || got.Exit != c.want.Exit || got.Followed {
			t.Errorf("%s: got %+v", name, got)
		}
		switch err := got.Err(); {
		case c.err == "" && err != nil, c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

// testAfter runs what comes after a job that failed, however it did, and after no other.
func (b *bench) testAfter(t *testing.T) {
	h := b.host(t)
	for name, c := range map[string]struct{ command, want string }{
		"well":   {"true", ""},
		"status": {"sleep 1000 & exit 7", "exit-code 0 '\"$x%n"},
		"killed": {"sleep 1000 & kill -9 $$", "signal 0 '\"$x%n"},
		"late":   {"sleep 1000", "timeout 0 '\"$x%n"},
	} {
		j := of("clmgr-after-"+name, c.command)
		j.After = `echo "$SERVICE_RESULT $(pgrep -fxc 'sleep 1000')" "'\"\$x%n" >>/root/after-` + name
		if name == "late" {
			j.Limit = time.Second
		}
		mustRun(t, h, j)
		if err := job.Forget(t.Context(), h, j.Unit); err != nil {
			t.Error(err)
		}
		if got := b.shell(t, "cat /root/after-"+name+" 2>/dev/null; ls /run/clmgr | grep after-"+name+" || true"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// testQuoting takes through a command what shells, systemd and here-documents treat
// specially, and finds it unchanged.
func (b *bench) testQuoting(t *testing.T) {
	h := b.host(t)
	nasty := []string{
		`'`, `''`, `"`, "`id`", `$HOME ${HOME} $(id) $$`, `\`, `\n \\ \'`, `%n %i %H %%`, "a\nb\n\nc", "\t\ttabs",
		"END", "\nEND\n", "}", "}; exit 1\n{", "# no comment", "*", "-n", "!!", "ünï\u2028", "\xff\xfe", "\r\n", "a;b&c|d<e>f", "~root",
	}
	all := strings.Join(nasty, "\x01")
	for i, text := range []string{nasty[0], nasty[9], nasty[len(nasty)-1], all, strings.Repeat(all, 2000)} {
		j := of(fmt.Sprintf("clmgr-quote-%d", i), "printf %s '"+strings.ReplaceAll(text, "'", `'\''`)+"' >/root/quoted")
		j.Description = text
		if r := mustRun(t, h, j); r.Err() != nil {
			t.Errorf("%.60q: %v", text, r.Err())
		}
		if out, _, err := b.m.Run(t.Context(), "cat /root/quoted", nil); err != nil || string(out) != text {
			t.Errorf("%.60q became %.60q (%v)", text, out, err)
		}
	}
	mustRun(t, h, job.Job{Unit: "clmgr-described", Command: "true", Limit: patience, Description: "%n $HOME 'a'\n\"b\" \x1b\xff"})
	if got := b.shell(t, "systemctl show -p Description --value clmgr-described.service"); got != "%n $HOME 'a' \"b\" \uFFFD" {
		t.Errorf("description %q", got)
	}
}

func (b *bench) testOutput(t *testing.T) {
	r := mustRun(t, b.host(t), of("clmgr-output", `seq 3000; printf 'caf\303 \033[31mred\n'; echo the end; exit 1`))
	if len(r.Output) > 2048 || !strings.HasSuffix(r.Output, "\n2999\n3000\ncaf\uFFFD [31mred\nthe end") {
		t.Errorf("%d bytes: %q", len(r.Output), r.Output)
	}
	if first, _, _ := strings.Cut(r.Output, "\n"); len(first) != 4 {
		t.Errorf("begins with %q, half a line", first)
	}
}

func (b *bench) testTerms(t *testing.T) {
	h := b.host(t)
	j := of("clmgr-terms", "echo run >>/root/terms; exit 1")
	j.Epoch, j.Try = 9, 2
	mustRun(t, h, j)
	for _, term := range [][2]uint64{{9, 1}, {8, 10}, {0, 1<<64 - 1}} {
		j.Epoch, j.Try = term[0], term[1]
		_, err := job.Run(within(t), h, j)
		var s *job.Superseded
		if !errors.As(err, &s) || *s != (job.Superseded{Unit: j.Unit, Epoch: 9, Try: 2}) {
			t.Errorf("%v: got %v", term, err)
		}
		if err := job.Discard(within(t), h, j); !errors.As(err, &s) {
			t.Errorf("%v: discarded: %v", term, err)
		}
	}
	if n := b.lines(t, "/root/terms"); n != 1 {
		t.Errorf("ran %d times", n)
	}
	for _, term := range [][2]uint64{{9, 2}, {9, 10}, {10, 0}, {1<<64 - 1, 1<<64 - 1}} {
		j.Epoch, j.Try = term[0], term[1]
		if r := mustRun(t, h, j); r.Exit != 1 || r.Followed {
			t.Errorf("%v: got %+v", term, r)
		}
	}
	if n := b.lines(t, "/root/terms"); n != 5 {
		t.Errorf("ran %d times", n)
	}
}

func (b *bench) testOnceAnEpoch(t *testing.T) {
	h := b.host(t)
	j := of("clmgr-once", "echo run >>/root/once; echo said")
	first := mustRun(t, h, j)
	j.Try = 2
	second := mustRun(t, h, j)
	if !second.Followed || second.Invocation != first.Invocation || second.Output != "said" || second.Err() != nil {
		t.Errorf("the same epoch: got %+v", second)
	}
	if err := job.Discard(within(t), h, j); err != nil {
		t.Fatal(err)
	}
	j.Try = 1
	var s *job.Superseded
	if _, err := job.Run(within(t), h, j); !errors.As(err, &s) || s.Try != 2 {
		t.Errorf("discarding forgot the term: %v", err)
	}
	j.Try = 3
	if r := mustRun(t, h, j); r.Followed || r.Invocation == first.Invocation {
		t.Errorf("discarded: got %+v", r)
	}
	j.Epoch, j.Try = 2, 1
	if r := mustRun(t, h, j); r.Followed {
		t.Errorf("the next epoch: got %+v", r)
	}
	if n, m := b.lines(t, "/root/once"), b.runs(t, j.Unit); n != 3 || m != 3 {
		t.Errorf("ran %d times, %d by the journal", n, m)
	}
}

func (b *bench) testForget(t *testing.T) {
	h := b.host(t)
	j := of("clmgr-forget", "while [ ! -e /root/forget ]; do sleep 0.05; done")
	done := make(chan error, 1)
	go func() {
		_, err := job.Run(within(t), h, j)
		done <- err
	}()
	b.eventually(t, "the job runs", "systemctl is-active clmgr-forget | grep -q activating")
	var running *job.Running
	if err := job.Forget(within(t), h, j.Unit); !errors.As(err, &running) || running.Unit != j.Unit {
		t.Errorf("a running job: %v", err)
	}
	if err := job.Discard(within(t), h, j); !errors.As(err, &running) {
		t.Errorf("a running job: %v", err)
	}
	b.shell(t, "touch /root/forget")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for range 2 { // what is forgotten already is no error
		if err := job.Forget(within(t), h, j.Unit); err != nil {
			t.Fatal(err)
		}
	}
	left := b.shell(t, "ls /run/clmgr | grep clmgr-forget; systemctl list-units --all --plain --no-legend 'clmgr-forget*'")
	if left != "" {
		t.Errorf("left: %s", left)
	}
	j.Epoch = 0
	if r := mustRun(t, h, j); r.Followed {
		t.Errorf("got %+v", r)
	}
}
