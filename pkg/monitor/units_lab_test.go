package monitor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/monitor"
)

// unit writes a unit of the machine.
func (s *site) unit(t *testing.T, name string, lines ...string) {
	t.Helper()
	s.run(t, "cat > /etc/systemd/system/"+name+".service <<'E'\n[Unit]\nStartLimitIntervalSec=0\n[Service]\n"+strings.Join(lines, "\n")+"\nE\nsystemctl daemon-reload")
}

func (s *site) testUnits(t *testing.T) {
	s.unit(t, "steady", "ExecStart=/bin/sleep infinity")
	s.unit(t, "crashing", "ExecStart=/bin/sh -c 'read -r line < /run/pipe'", "Restart=always", "RestartSec=100ms")
	s.unit(t, "dog", "ExecStart=/bin/sleep infinity", "WatchdogSec=400ms", "Restart=always", "RestartSec=100ms")
	s.unit(t, "once", "Type=oneshot", "ExecStart=/bin/sh -c 'test ! -e /run/fail'")
	s.unit(t, "slow", "ExecStart=/bin/sleep infinity", "ExecStartPre=/bin/sleep infinity", "TimeoutStartSec=infinity")
	s.run(t, "mkfifo /run/pipe; systemctl start steady crashing once")
	d := newDiary(t)
	u := monitor.Units{Machine: s.machine(), Settle: 300 * time.Millisecond, Calm: 3 * time.Second, Restarts: 1}
	for _, name := range []string{"steady", "crashing", "dog", "once", "none"} {
		u.Units = append(u.Units, monitor.Unit{Name: name, Severity: monitor.Critical})
	}
	stop := watching(t, monitor.WatchUnits(d.options, []monitor.Units{u}))
	labels(t, d.await(t, 0, "m1/none: unknown → absent"), map[string]string{"unit": "none", "machine": "m1", "hostname": "m1", "severity": "critical"})
	d.await(t, 0, "m1/dog: unknown → stopped")

	s.run(t, "systemctl stop steady")
	d.await(t, 2, "m1/steady: running → stopped")
	s.run(t, "systemctl start steady")
	labels(t, d.await(t, 3, "m1/steady: stopped → running"), map[string]string{"resolved": "true", "severity": "critical"})
	s.run(t, "systemctl kill -s KILL steady")
	e := d.await(t, 4, "m1/steady: running → failed")
	if e.Reason != "systemd says failed with result signal" || e.IP != s.m.IP() {
		t.Errorf("%+v", e)
	}

	// A watcher that starts anew tells nothing again.
	stop()
	stop = watching(t, monitor.WatchUnits(d.options, []monitor.Units{u}))
	s.run(t, "echo > /run/pipe") // it ends, and systemd starts it again
	e = d.await(t, 5, "m1/crashing/restarts: steady → restarting")
	labels(t, e, map[string]string{"restarts": "1", "unit": "crashing", "severity": "warning"})
	d.await(t, 6, "m1/crashing/restarts: restarting → steady")
	s.run(t, "touch /run/fail; ! systemctl start once")
	d.await(t, 7, "m1/once: running → failed")
	d.want(t, "m1/none: unknown → absent", "m1/dog: unknown → stopped", "m1/steady: running → stopped", "m1/steady: stopped → running",
		"m1/steady: running → failed", "m1/crashing/restarts: steady → restarting", "m1/crashing/restarts: restarting → steady", "m1/once: running → failed")
	stop()
	t.Run("watchdog", s.testWatchdog)
	t.Run("settling", s.testSettling)
}

// A unit that does not tell its watchdog that it lives is started again by systemd within
// moments: only the journal knows later.
func (s *site) testWatchdog(t *testing.T) {
	d := newDiary(t)
	u := monitor.Units{
		Machine: s.machine(), Units: []monitor.Unit{{Name: "dog", Severity: monitor.Critical}},
		Settle: time.Minute, Calm: 2 * time.Second, Restarts: 1000,
	}
	stop := watching(t, monitor.WatchUnits(d.options, []monitor.Units{u}))
	d.await(t, 0, "m1/dog: unknown → stopped")
	s.run(t, "systemctl start dog")
	labels(t, d.await(t, 0, "m1/dog/watchdog: quiet → hit"), map[string]string{"severity": "critical", "unit": "dog"})
	s.run(t, "systemctl stop dog; systemctl reset-failed dog || true")
	d.await(t, 0, "m1/dog/watchdog: hit → quiet")
	// The old hit is none for a watcher that begins anew.
	stop()
	fresh := newDiary(t)
	watching(t, monitor.WatchUnits(fresh.options, []monitor.Units{u}))
	fresh.await(t, 0, "m1/dog: unknown → stopped")
	s.run(t, "sleep 1")
	fresh.want(t, "m1/dog: unknown → stopped")
}

// A unit that does not get started is told of, after a while.
func (s *site) testSettling(t *testing.T) {
	d := newDiary(t)
	u := monitor.Units{
		Machine: s.machine(), Units: []monitor.Unit{{Name: "slow", Severity: monitor.Info}},
		Settle: 500 * time.Millisecond, Calm: time.Minute, Restarts: 1,
	}
	stop := watching(t, monitor.WatchUnits(d.options, []monitor.Units{u}))
	d.await(t, 0, "m1/slow: unknown → stopped")
	s.run(t, "systemctl start --no-block slow")
	d.await(t, 1, "m1/slow: stopped → starting")
	s.run(t, "systemctl kill -s KILL slow")
	d.await(t, 2, "m1/slow: starting → failed")
	stop()
	// What is not watched any more is not in trouble for ever.
	u.Units[0].Name = "dbus"
	watching(t, monitor.WatchUnits(d.options, []monitor.Units{u}))
	labels(t, d.await(t, 3, "m1/slow: failed → unknown"), map[string]string{"severity": "info", "resolved": "true"})
}

// A machine that is away makes no event, since the heartbeat tells that; nor do its units
// when it is back as it was.
func (s *site) testPower(t *testing.T) {
	d := newDiary(t)
	u := monitor.Units{
		Machine: s.machine(), Units: []monitor.Unit{{Name: "ssh.service", Severity: monitor.Info}, {Name: "none", Severity: monitor.Info}},
		Settle: time.Minute, Calm: time.Minute, Restarts: 1,
	}
	watching(t, monitor.WatchUnits(d.options, []monitor.Units{u}))
	d.await(t, 0, "m1/none: unknown → absent")
	if err := s.m.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.m.PowerOn(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.run(t, "until systemctl list-units >/dev/null 2>&1; do sleep 0.1; done")
	s.unit(t, "none", "ExecStart=/bin/sleep infinity")
	s.run(t, "systemctl start none")
	d.await(t, 1, "m1/none: absent → running")
	d.want(t, "m1/none: unknown → absent", "m1/none: absent → running")
}
