package job_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/job"
)

// outcome is what one of several callers got.
type outcome struct {
	result job.Result
	err    error
}

// start runs a job in the background.
func start(ctx context.Context, h *remote.Host, j job.Job) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		r, err := job.Run(ctx, h, j)
		done <- outcome{r, err}
	}()
	return done
}

// held is a job that appends a line and goes on until a file is there.
func held(name string) job.Job {
	return of("clmgr-"+name, "echo run >>/root/"+name+"; while [ ! -e /root/"+name+".go ]; do sleep 0.05; done; echo over")
}

// ranOnce checks it by what the job left and by the machine's journal.
func (b *bench) ranOnce(t *testing.T, name string) {
	t.Helper()
	if n, m := b.lines(t, "/root/"+name), b.runs(t, "clmgr-"+name); n != 1 || m != 1 {
		t.Errorf("%s ran %d times, %d by the journal", name, n, m)
	}
}

// testManyAtOnce lets callers of the same and of different terms start at one instant.
func (b *bench) testManyAtOnce(t *testing.T) {
	const callers = 8
	j := held("many")
	hosts := make([]*remote.Host, callers)
	for i := range hosts {
		hosts[i] = b.host(t)
		if err := hosts[i].Check(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	begin := make(chan struct{})
	results := make([]outcome, callers)
	var all sync.WaitGroup
	for i, h := range hosts {
		all.Go(func() {
			mine := j
			mine.Try = uint64(i / 2)
			<-begin
			results[i].result, results[i].err = job.Run(within(t), h, mine)
		})
	}
	close(begin)
	b.eventually(t, "the highest term has come", "grep -q '[.]0*3 ' /run/clmgr/clmgr-many.term")
	b.shell(t, "touch /root/many.go")
	all.Wait()
	starters := 0
	for i, r := range results {
		var s *job.Superseded
		switch {
		case errors.As(r.err, &s) && i/2 < 3:
		case r.err != nil || r.result.Err() != nil:
			t.Errorf("caller %d: got %+v", i, r)
		case !r.result.Followed:
			starters++
		}
	}
	if starters != 1 {
		t.Errorf("%d callers started it: %+v", starters, results)
	}
	b.ranOnce(t, "many")
}

func (b *bench) testTwoAtOnce(t *testing.T) {
	one, two := b.host(t), b.host(t)
	for _, h := range []*remote.Host{one, two} {
		if err := h.Check(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	j := held("two")
	first, second := start(within(t), one, j), start(within(t), two, j)
	b.shell(t, "touch /root/two.go")
	r, s := <-first, <-second
	if r.err != nil || s.err != nil || r.result.Followed == s.result.Followed || r.result.Invocation != s.result.Invocation {
		t.Errorf("got %+v and %+v", r, s)
	}
	b.ranOnce(t, "two")
}

func (b *bench) testLimit(t *testing.T) {
	j := of("clmgr-limit", "echo began; sleep 4242 & sleep 4242")
	j.Limit = 300 * time.Millisecond
	r := mustRun(t, b.host(t), j)
	if r.Outcome != "timeout" || r.Err() == nil || !strings.Contains(r.Err().Error(), "it ended by timeout: began") {
		t.Errorf("got %+v", r)
	}
	if out, _, err := b.m.Run(t.Context(), "pgrep -f '^sleep 4242'", nil); err == nil {
		t.Errorf("still there: %s", out)
	}
}

// testDaemons leaves a process behind that outlives the job's unit, and one that does not.
func (b *bench) testDaemons(t *testing.T) {
	h := b.host(t)
	for daemons, name := range map[bool]string{true: "4343", false: "4444"} {
		j := of("clmgr-daemons-"+name, "sleep "+name+" >/dev/null 2>&1 &")
		j.Daemons = daemons
		mustRun(t, h, j)
		b.shell(t, "pgrep -f '^sleep "+name+"'")
		if err := job.Forget(within(t), h, j.Unit); err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.m.Run(t.Context(), "pgrep -f '^sleep "+name+"'", nil); (err == nil) != daemons {
			t.Errorf("daemons %t: %v", daemons, err)
		}
	}
}

// testHidden looks for a command's text where other users of the machine could see it.
func (b *bench) testHidden(t *testing.T) {
	const canary = "c4nary-7261"
	j := held("hidden")
	j.Command += " # " + canary
	done := start(within(t), b.host(t), j)
	b.eventually(t, "the job runs", "test -e /root/hidden")
	look := "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '; systemctl show clmgr-hidden; systemctl cat clmgr-hidden"
	if seen := b.shell(t, look); strings.Contains(seen, canary) || !strings.Contains(seen, "/run/clmgr/clmgr-hidden.sh") {
		t.Errorf("shown, or not looked at: %s", seen)
	}
	if got := b.shell(t, "stat -c '%a %U' /run/clmgr /run/clmgr/clmgr-hidden.sh | tr '\\n' ' '"); got != "700 root 600 root" {
		t.Errorf("modes: %s", got)
	}
	b.shell(t, "grep -q "+canary+" /run/clmgr/clmgr-hidden.sh; touch /root/hidden.go")
	if r := <-done; r.err != nil {
		t.Error(r.err)
	}
}

// hangUp kills the connections of sshd, but not what runs through them.
const hangUp = "pkill -KILL -f '^sshd: root@'"

// testConnectionLost kills the connection under a follower, who goes on over another.
func (b *bench) testConnectionLost(t *testing.T) {
	j := held("lost")
	done := start(within(t), b.host(t), j)
	b.eventually(t, "the job runs", "test -e /root/lost")
	b.shell(t, hangUp)
	b.eventually(t, "another login", "pgrep -f '^sshd: root@'")
	b.shell(t, hangUp+"; touch /root/lost.go")
	if r := <-done; r.err != nil || r.result.Followed || r.result.Output != "over" || r.result.Err() != nil {
		t.Errorf("got %+v", r)
	}
	b.ranOnce(t, "lost")
}

// testAnswerLost kills the connection after the script has gone out and before it has
// said a word: nobody knows then whether it starts the job. It does, once, and the caller
// learns how its own try ended, even badly.
func (b *bench) testAnswerLost(t *testing.T) {
	j := of("clmgr-answer", "echo run >>/root/answer; exit 3")
	b.shell(t, `mkdir -p /run/clmgr; systemd-run -q --unit=holder flock /run/clmgr/clmgr-answer.lock sh -c 'until test -e /root/answer.go; do sleep 0.05; done'`)
	b.eventually(t, "the lock is held", "! flock -n /run/clmgr/clmgr-answer.lock true")
	done := start(within(t), b.host(t), j)
	b.eventually(t, "the script waits", "pgrep -f '^flock -w 30 9'")
	b.shell(t, hangUp)
	b.eventually(t, "its second one waits", "test $(pgrep -cf '^flock -w 30 9') = 2")
	b.shell(t, "touch /root/answer.go")
	if r := <-done; r.err != nil || r.result.Followed || r.result.Exit != 3 {
		t.Errorf("got %+v", r)
	}
	b.ranOnce(t, "answer")
}

// testNetworkCut cuts the machine off under its owner, who gives up; the next owner, of a
// higher term, finds the job running and follows it.
func (b *bench) testNetworkCut(t *testing.T) {
	j := held("cut")
	j.Epoch = 4
	ctx, giveUp := context.WithCancel(within(t))
	first := start(ctx, b.host(t), j)
	b.eventually(t, "its owner knows that it runs", "pgrep -f '^timeout 0.5 tail'")
	began := time.Now()
	heal, err := b.lab.Cut(t.Context(), lab.Cut{From: []string{b.m.Name()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.lab.Heal(context.Background()) }) // where the test fails
	blind, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var unreached *remote.Error
	var running *job.Running
	if _, err := job.Run(blind, b.host(t), j); !errors.As(err, &unreached) || errors.As(err, &running) {
		t.Errorf("a caller who never reached it: %v", err)
	}
	giveUp()
	r := <-first
	if !errors.As(r.err, &running) || running.Unit != j.Unit || !errors.Is(r.err, context.Canceled) {
		t.Fatalf("the first owner: got %+v", r)
	}
	if off := began.Sub(running.Since); off < -2*time.Second || off > patience {
		t.Errorf("since %v, which is %v before the cut", running.Since, off)
	}
	if err := heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	next := j
	next.Try = 2
	second := start(within(t), b.host(t), next)
	b.eventually(t, "the next owner is known", "grep -q '[.]0*2 ' /run/clmgr/clmgr-cut.term")
	var s *job.Superseded
	if _, err := job.Run(within(t), b.host(t), j); !errors.As(err, &s) || s.Epoch != 4 || s.Try != 2 {
		t.Errorf("the first owner again: %v", err)
	}
	b.shell(t, "touch /root/cut.go")
	if r := <-second; r.err != nil || !r.result.Followed || r.result.Output != "over" {
		t.Errorf("the second owner: got %+v", r)
	}
	b.ranOnce(t, "cut")
}

// testRunGone clears a run while its follower is cut off.
func (b *bench) testRunGone(t *testing.T) {
	j := held("gone")
	done := start(within(t), b.host(t), j)
	b.eventually(t, "its owner knows that it runs", "pgrep -f '^timeout 0.5 tail'")
	b.shell(t, "systemctl stop ssh; "+hangUp+`; systemctl kill -s KILL clmgr-gone
		until systemctl is-failed -q clmgr-gone; do sleep 0.01; done; systemctl reset-failed clmgr-gone; systemctl start ssh`)
	if r := <-done; r.err == nil || !strings.Contains(r.err.Error(), "cannot run job clmgr-gone: its run is gone") {
		t.Errorf("got %+v", r)
	}
}

func (b *bench) testSudo(t *testing.T) {
	other := b.host(t, func(s *remote.Settings) { s.User = "clmgr" })
	j := of("clmgr-sudo", "id -un")
	if _, err := job.Run(within(t), other, j); err == nil || !strings.Contains(err.Error(), "cannot become root: sudo: not installed") {
		t.Errorf("without sudo: %v", err)
	}
	b.shell(t, "apt-get -qq update && apt-get -qq install -y --no-install-recommends sudo >/dev/null 2>&1")
	if _, err := job.Run(within(t), other, j); err == nil || !strings.Contains(err.Error(), "cannot become root: sudo: a password is required") {
		t.Errorf("without the right: %v", err)
	}
	b.shell(t, "echo 'clmgr ALL=(root) NOPASSWD: /bin/sh, /usr/bin/sh' >/etc/sudoers.d/clmgr")
	if r := mustRun(t, other, j); r.Output != "root" || r.Err() != nil {
		t.Errorf("by sudo: %+v", r)
	}
	if err := job.Forget(within(t), other, j.Unit); err != nil {
		t.Error(err)
	}
}

// testNoSystemd logs in where systemd's folder cannot be seen, as on a machine that
// another init runs.
func (b *bench) testNoSystemd(t *testing.T) {
	b.shell(t, `systemd-run -q --unit=bare unshare -m sh -c 'mount -t tmpfs none /run/systemd && exec /usr/sbin/sshd -D -p 2222'`)
	b.eventually(t, "the other sshd listens", "ss -Hltn sport = 2222 | grep -q .")
	h := b.host(t, func(s *remote.Settings) {
		s.Port, s.AcceptNew, s.KnownHosts = 2222, true, []string{t.TempDir() + "/known_hosts"}
	})
	_, err := job.Run(within(t), h, of("clmgr-bare", "true"))
	if err == nil || !strings.Contains(err.Error(), "cannot run job clmgr-bare: systemd does not run this machine") {
		t.Errorf("got %v", err)
	}
}
