package services_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/services"
)

// patience bounds a start or stop.
const patience = time.Minute

// testLifecycle starts and stops real services. It begins and ends with them stopped.
func (b *bench) testLifecycle(t *testing.T) {
	run(t, b.m1, "systemctl stop mariadb", "")
	run(t, b.m3, "systemctl stop memcached", "")
	t.Run("units of modes", b.testUnitsOfModes)
	t.Run("start", b.testStart)
	t.Run("restart", b.testRestart)
	t.Run("restart anyway", b.testRestartAnyway)
	t.Run("restart of what does not stop", b.testRestartImpatient)
	t.Run("did not hold", b.testDidNotHold)
	t.Run("broken memcached", b.testBrokenMemcached)
	t.Run("broken mariadb", b.testBrokenMariaDB)
	t.Run("no unit", b.testNoUnit)
	t.Run("owner lost", b.testOwnerLost)
	t.Run("by command", b.testByCommand)
	t.Run("not root", b.testNotRoot)
}

// steps counts the job units of tests, which are made once each.
type steps struct{ n int }

func (s *steps) next(verb, invocation string) services.Step {
	s.n++
	return step(fmt.Sprintf("clmgr-step-%s-%d", verb, s.n), verb, invocation)
}

func step(unit, verb, invocation string) services.Step {
	return services.Step{Verb: verb, Invocation: invocation, Job: job.Job{Unit: unit, Epoch: 1, Try: 1, Limit: patience}}
}

func apply(t *testing.T, h *remote.Host, c services.Control, s services.Step) (services.Applied, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return services.Apply(ctx, h, c, s)
}

func mustApply(t *testing.T, h *remote.Host, c services.Control, s services.Step) services.Applied {
	t.Helper()
	done, err := apply(t, h, c, s)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func inspect(t *testing.T, h *remote.Host, c services.Control) services.UnitState {
	t.Helper()
	u, err := services.Inspect(t.Context(), h, c)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// starts counts the runs of a unit by the machine's own journal.
func starts(t *testing.T, m *lab.Machine, unit string) int {
	t.Helper()
	return len(strings.Fields(run(t, m, "journalctl --sync; journalctl -q --no-pager -o json --output-fields=INVOCATION_ID UNIT="+
		unit+".service | grep -o '\"INVOCATION_ID\":\"[0-9a-f]*\"' | sort -u", "")))
}

// wantError checks that an error is one line with these words.
func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not hold %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "\n") || len(err.Error()) > 800 {
		t.Errorf("not one short line: %q", err)
	}
}

func memcached() services.Control { return services.Control{Unit: services.Modes()["memcache"].Unit} }

func mariadb() services.Control { return services.Control{Unit: services.Modes()["mariadb"].Unit} }

func (b *bench) testUnitsOfModes(t *testing.T) {
	for _, mode := range []string{"mariadb", "galera", "memcache", "haproxy", "keepalived"} {
		if u := inspect(t, b.host(b.m3), services.Control{Unit: services.Modes()[mode].Unit}); u.Load != "loaded" || !u.Down() {
			t.Errorf("%s: got %+v", mode, u)
		}
	}
}

func (b *bench) testStart(t *testing.T) {
	h, before := b.host(b.m3), starts(t, b.m3, "memcached")
	var s steps
	done := mustApply(t, h, memcached(), s.next("start", ""))
	u := inspect(t, h, memcached())
	if !done.Changed || done.Followed || done.Invocation != u.Invocation || u.Invocation == "" || !u.Up() {
		t.Errorf("got %+v, the unit %+v", done, u)
	}
	if age := time.Since(u.Since); age < 0 || age > patience {
		t.Errorf("since %v", u.Since)
	}
	seen := look(t, services.Target{Mode: "memcache", Addr: at(b.m3, 11211)}, direct(), ample)
	if !running(seen) {
		t.Errorf("probe: %+v", seen)
	}
	again := s.next("start", "")
	if done := mustApply(t, h, memcached(), again); done.Changed || done.Invocation != u.Invocation {
		t.Errorf("started already: got %+v", done)
	}
	if out := run(t, b.m3, "systemctl show -p LoadState --value "+again.Job.Unit+"; ls /run/clmgr", ""); strings.Contains(out, again.Job.Unit) || !strings.HasPrefix(out, "not-found") {
		t.Errorf("one look was not enough: %s", out)
	}
	if n := starts(t, b.m3, "memcached") - before; n != 1 {
		t.Errorf("%d runs", n)
	}
	if done := mustApply(t, h, memcached(), s.next("stop", "")); !done.Changed {
		t.Errorf("stop: got %+v", done)
	}
	if u := inspect(t, h, memcached()); u.Active != "inactive" {
		t.Errorf("stopped: %+v", u)
	}
	if done := mustApply(t, h, memcached(), s.next("stop", "")); done.Changed {
		t.Errorf("stopped already: got %+v", done)
	}
}

func (b *bench) testRestart(t *testing.T) {
	h, before := b.host(b.m3), starts(t, b.m3, "memcached")
	s := steps{n: 100}
	if done := mustApply(t, h, memcached(), s.next("restart", "")); !done.Changed {
		t.Errorf("a restart of what is stopped: got %+v", done)
	}
	old := inspect(t, h, memcached()).Invocation
	restart := s.next("restart", old)
	done := mustApply(t, h, memcached(), restart)
	if !done.Changed || done.Invocation == old || done.Invocation == "" {
		t.Errorf("got %+v", done)
	}
	for _, again := range []services.Step{restart, s.next("restart", old), s.next("restart", "")} {
		again.Job.Try = 2
		if twice := mustApply(t, h, memcached(), again); twice.Changed || twice.Invocation != done.Invocation {
			t.Errorf("asked again: got %+v", twice)
		}
	}
	if n := starts(t, b.m3, "memcached") - before; n != 2 {
		t.Errorf("%d runs", n)
	}
	run(t, b.m3, "systemctl stop memcached", "")
	if done := mustApply(t, h, memcached(), s.next("restart", done.Invocation)); !done.Changed {
		t.Errorf("stopped meanwhile: got %+v", done)
	}
	mustApply(t, h, memcached(), s.next("stop", ""))
}

// testDidNotHold undoes a step that was done in this epoch: the next try does it again.
func (b *bench) testDidNotHold(t *testing.T) {
	h := b.host(b.m3)
	s := step("clmgr-hold", "start", "")
	first := mustApply(t, h, memcached(), s)
	run(t, b.m3, "systemctl stop memcached", "")
	s.Job.Try = 2
	if done := mustApply(t, h, memcached(), s); !done.Changed || done.Invocation == first.Invocation {
		t.Errorf("got %+v", done)
	}
	mustApply(t, h, memcached(), step("clmgr-hold-stop", "stop", ""))
}

// testBrokenMemcached starts a service that systemd believes to run until it ends.
func (b *bench) testBrokenMemcached(t *testing.T) {
	h, s := b.host(b.m3), step("clmgr-broken-memcached", "start", "")
	run(t, b.m3, "cp /etc/memcached.conf /root/ && echo --no-such-option >>/etc/memcached.conf", "")
	_, err := apply(t, h, memcached(), s)
	wantError(t, err, "cannot start memcached: the unit is ", "no-such-option")
	b.awaitFailed(t, b.m3, "memcached") // its restarts come to an end
	run(t, b.m3, "mv /root/memcached.conf /etc/", "")
	s.Job.Try = 2
	if done := mustApply(t, h, memcached(), s); !done.Changed {
		t.Errorf("repaired: got %+v", done)
	}
	mustApply(t, h, memcached(), step("clmgr-broken-memcached-stop", "stop", ""))
}

func (b *bench) awaitFailed(t *testing.T, m *lab.Machine, unit string) {
	t.Helper()
	run(t, m, "for i in $(seq 600); do systemctl is-failed -q "+unit+" && exit; sleep 0.05; done; exit 1", "")
}

func (b *bench) testBrokenMariaDB(t *testing.T) {
	h, s := b.host(b.m1), step("clmgr-broken-mariadb", "start", "")
	run(t, b.m1, "cat >/etc/mysql/mariadb.conf.d/999-broken.cnf", "[mariadbd]\nno_such_variable = 1\n")
	_, err := apply(t, h, mariadb(), s)
	wantError(t, err, "cannot start mariadb: the unit is failed (failed, exit-code): ", "unknown variable 'no_such_variable=1'")
	if done := mustApply(t, h, mariadb(), step("clmgr-failed-stop", "stop", "")); done.Changed {
		t.Errorf("what failed is stopped: got %+v", done)
	}
	run(t, b.m1, "rm /etc/mysql/mariadb.conf.d/999-broken.cnf", "")
	s.Job.Try = 2
	if done := mustApply(t, h, mariadb(), s); !done.Changed {
		t.Errorf("repaired: got %+v", done)
	}
	sql(t, b.m1, "SELECT 1")
	old := inspect(t, h, mariadb()).Invocation
	if done := mustApply(t, h, mariadb(), step("clmgr-mariadb-restart", "restart", old)); done.Invocation == old {
		t.Errorf("restarted: got %+v", done)
	}
	sql(t, b.m1, "SELECT 1")
	mustApply(t, h, mariadb(), step("clmgr-mariadb-stop", "stop", ""))
}

func (b *bench) testNoUnit(t *testing.T) {
	h := b.host(b.m3)
	for _, verb := range []string{"start", "stop", "restart"} {
		_, err := apply(t, h, services.Control{Unit: "mysql-proxy"}, step("clmgr-none", verb, ""))
		wantError(t, err, "cannot "+verb+" mysql-proxy: the machine has no unit mysql-proxy: install")
	}
	run(t, b.m3, "systemctl mask memcached", "")
	_, err := apply(t, h, memcached(), step("clmgr-masked", "start", ""))
	wantError(t, err, "cannot start memcached: the unit is masked: systemctl unmask memcached")
	run(t, b.m3, "systemctl unmask memcached", "")
}
