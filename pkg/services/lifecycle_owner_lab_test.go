package services_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/services"
)

// testOwnerLost leaves a slow start without its owner; the next one follows it.
func (b *bench) testOwnerLost(t *testing.T) {
	run(t, b.m1, `mkdir -p /etc/systemd/system/mariadb.service.d && cat >/etc/systemd/system/mariadb.service.d/slow.conf && systemctl daemon-reload`,
		"[Service]\nExecStartPre=/bin/sh -c 'until test -e /run/slow.go; do sleep 0.05; done'\n")
	before := starts(t, b.m1, "mariadb")
	s := step("clmgr-slow", "start", "")
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := services.Apply(ctx, b.host(b.m1), mariadb(), s)
		first <- err
	}()
	run(t, b.m1, "for i in $(seq 600); do pgrep -f '^tail --pid=' && exit; sleep 0.02; done; exit 1", "")
	cancel()
	var left *job.Running
	if err := <-first; !errors.As(err, &left) || left.Unit != s.Job.Unit {
		t.Errorf("the first owner: %v", err)
	}
	next := s
	next.Job.Try = 2
	type outcome struct {
		done services.Applied
		err  error
	}
	second := make(chan outcome, 1)
	go func() {
		done, err := services.Apply(t.Context(), b.host(b.m1), mariadb(), next)
		second <- outcome{done, err}
	}()
	run(t, b.m1, "for i in $(seq 600); do grep -q '[.]0*2 ' /run/clmgr/clmgr-slow.term && exit; sleep 0.02; done; exit 1", "")
	var late *job.Superseded
	if _, err := apply(t, b.host(b.m1), mariadb(), s); !errors.As(err, &late) || late.Try != 2 {
		t.Errorf("the first owner again: %v", err)
	}
	run(t, b.m1, "touch /run/slow.go", "")
	if got := <-second; got.err != nil || !got.done.Changed || !got.done.Followed {
		t.Errorf("the second owner: %+v, %v", got.done, got.err)
	}
	if n, m := starts(t, b.m1, "clmgr-slow"), starts(t, b.m1, "mariadb")-before; n != 1 || m != 1 {
		t.Errorf("%d jobs, %d starts", n, m)
	}
	run(t, b.m1, "rm -r /etc/systemd/system/mariadb.service.d && systemctl daemon-reload", "")
	mustApply(t, b.host(b.m1), mariadb(), step("clmgr-slow-stop", "stop", ""))
}

// testByCommand controls a second memcached by commands.
func (b *bench) testByCommand(t *testing.T) {
	h := b.host(b.m3)
	second := services.Control{
		Start: "memcached -d -u nobody -l 0.0.0.0 -p 11311 -P /tmp/second.pid",
		Stop:  `p=$(cat /tmp/second.pid) && kill "$p" && while [ -e "/proc/$p" ]; do sleep 0.02; done # 'gone'`,
	}
	target := services.Target{Mode: "memcache", Addr: at(b.m3, 11311)}
	if done := mustApply(t, h, second, step("clmgr-second", "start", "")); !done.Changed || done.Followed {
		t.Errorf("got %+v", done)
	}
	eventually(t, target, direct(), "running", running)
	if err := job.Forget(t.Context(), h, "clmgr-second"); err != nil {
		t.Fatal(err)
	}
	pid := run(t, b.m3, "until test -s /tmp/second.pid; do sleep 0.02; done; cat /tmp/second.pid", "")
	if seen := look(t, target, direct(), ample); !running(seen) {
		t.Errorf("the daemon went with its job: %+v", seen)
	}
	mustApply(t, h, second, step("clmgr-second-restart", "restart", ""))
	eventually(t, target, direct(), "running", running)
	if now := run(t, b.m3, "pgrep -f '^memcached -d .* 11311'", ""); now == pid {
		t.Errorf("process %s was not restarted", now)
	}
	mustApply(t, h, second, step("clmgr-second-stop", "stop", ""))
	_, err := apply(t, h, second, step("clmgr-second-stop-2", "stop", ""))
	wantError(t, err, "cannot stop a service by its command: exit status 1: ", "No such file")
}

// testNotRoot looks as a user who may change nothing.
func (b *bench) testNotRoot(t *testing.T) {
	user := b.user
	defer func() { b.user = user }()
	b.user = "clmgr"
	h := b.host(b.m3)
	if done := mustApply(t, h, memcached(), step("clmgr-user", "stop", "")); done.Changed {
		t.Errorf("got %+v", done)
	}
	_, err := apply(t, h, memcached(), step("clmgr-user", "start", ""))
	wantError(t, err, "cannot start memcached: cannot run job clmgr-user: cannot become root: ")
}

// testRestartAnyway restarts what runs, once a job: who comes again, or in the place of
// who was lost, finds that it was done. Without the word running is enough.
func (b *bench) testRestartAnyway(t *testing.T) {
	h := b.host(b.m3)
	mustApply(t, h, memcached(), step("clmgr-anyway-start", "start", ""))
	before := inspect(t, h, memcached()).Invocation
	if done := mustApply(t, h, memcached(), step("clmgr-no-word", "restart", "")); done.Changed || done.Invocation != before {
		t.Errorf("without the word: %+v", done)
	}
	s := step("clmgr-anyway", "restart", "")
	s.Anyway = true
	first := mustApply(t, h, memcached(), s)
	if !first.Changed || first.Followed || first.Invocation == before {
		t.Errorf("got %+v, it was %s", first, before)
	}
	for _, try := range []uint64{1, 2} {
		s.Job.Try = try
		if again := mustApply(t, h, memcached(), s); !again.Followed || again.Invocation != first.Invocation {
			t.Errorf("try %d: %+v, it was %s", try, again, first.Invocation)
		}
	}
	s.Job.Unit = "clmgr-anyway-2"
	if next := mustApply(t, h, memcached(), s); !next.Changed || next.Invocation == first.Invocation {
		t.Errorf("another job: %+v", next)
	}
	mustApply(t, h, memcached(), step("clmgr-anyway-stop", "stop", ""))
}

// testRestartImpatient restarts what does not stop by itself: it is killed. What stops in
// time is not.
func (b *bench) testRestartImpatient(t *testing.T) {
	h, c := b.host(b.m3), services.Control{Unit: "stubborn"}
	run(t, b.m3, `cat >/root/stubborn && chmod 755 /root/stubborn && cat >/etc/systemd/system/stubborn.service <<'END'
[Service]
ExecStart=/root/stubborn
TimeoutStopSec=infinity
END
systemctl daemon-reload`, "#!/bin/sh\ntrap 'echo asked >>/root/asked; test -e /root/willing && exit 0' TERM\nwhile :; do sleep 0.1; done\n")
	mustApply(t, h, c, step("clmgr-stubborn-start", "start", ""))
	before := inspect(t, h, c).Invocation
	s := step("clmgr-stubborn", "restart", "")
	s.Anyway, s.Patience = true, time.Second
	began := time.Now()
	if done := mustApply(t, h, c, s); !done.Changed || done.Invocation == before {
		t.Errorf("got %+v, it was %s", done, before)
	}
	if took := time.Since(began); took < time.Second || took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	run(t, b.m3, "test $(wc -l </root/asked) = 1 && touch /root/willing", "")
	s.Job.Unit, s.Patience = "clmgr-willing", time.Hour
	if done := mustApply(t, h, c, s); !done.Changed {
		t.Errorf("got %+v", done)
	}
	run(t, b.m3, "test $(wc -l </root/asked) = 2 && test $(journalctl -u stubborn | grep -c status=9/KILL) = 1", "")
	mustApply(t, h, c, step("clmgr-stubborn-stop", "stop", ""))
}
