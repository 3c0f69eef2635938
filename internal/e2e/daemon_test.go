package e2e_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

// watchdogTime is what the daemon's unit is given here; systemd ends what shows no sign of
// life for so long.
const watchdogTime = 12 * time.Second

// daemonConfig has one service, which is there as long as its file is, and notes every
// start; and something for every loop to do.
const daemonConfig = `
manager: d1
state_dir: /var/lib/clmgr
heartbeat: {deadline: 2s, probe_timeout: 1s}
actions: {lease: 3s, first_delay: 200ms}
daemon: {interval: 500ms, drain: 5s}
modes:
  file:
    port: 22
    command: {run: test -e /run/file}
    start: touch /run/file; echo started >>/root/starts
    stop: rm -f /run/file
clusters:
  c:
    instances: [{name: d1, ip: %s, here: true}]
    services: [{name: f1, mode: file, instance: d1}]
    units: {watch: [{unit: dbus}]}
    host: {}
    metrics: [{name: lag, url: 'http://127.0.0.1:1', query: lag, compare: "> 30"}]
    logs:
      - {name: errors, instance: d1, unit: ssh, match: [{name: odd, regexp: never seen}]}
      - {name: told, instance: d1, file: /var/log/told, match: [{name: odd, regexp: never seen}]}
peers: {watch: always}
doctor: {scripts: [/bin/true]}
alerts: {places: {ops: {program: [/bin/true]}}}
rules: {odd: {when: {type: logs}, do: {script: {path: /bin/true}}}}
`

// daemonSite is a machine on which clmgr runs as a service, built so that its loops can be
// made to hang.
type daemonSite struct{ *site }

// TestDaemon has a real systemd supervise the daemon.
func TestDaemon(t *testing.T) {
	t.Parallel()
	s := daemonSite{&site{Lab: labtest.Up(t, lab.Debian12(), "d1")}}
	s.furnish(t)
	s.run(t, "clmgr daemon install")
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"started", s.started},
		{"reload", s.reload},
		{"frozen", s.frozen},
		{"every loop hangs", s.everyLoopHangs},
		{"killed again and again", s.killed},
		{"stopped", s.stopped},
		{"uninstalled", s.uninstalled},
	} {
		if !t.Run(part.name, part.run) {
			t.Log(s.on(t, "d1", "journalctl -u clmgr --no-pager -o short-precise | grep level= | tail -n 40"))
			return
		}
	}
}

func (s daemonSite) run(t *testing.T, command string) string {
	t.Helper()
	return s.on(t, "d1", command)
}

// furnish puts the program and its configuration on the machine.
func (s daemonSite) furnish(t *testing.T) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "clmgr")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "deadlock", "-o", program, "github.com/clmgr/clmgr/cmd/clmgr")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m := s.Machine("d1")
	must(t, m.Copy(t.Context(), program, "/usr/local/bin/clmgr"))
	s.run(t, "mkdir -p /var/lib/clmgr/hang /etc/clmgr /etc/systemd/system/clmgr.service.d")
	must(t, m.Write(t.Context(), "/etc/clmgr/clmgr.yaml", 0o600, strings.NewReader(fmt.Sprintf(daemonConfig, s.ip("d1")))))
	must(t, m.Write(t.Context(), "/etc/systemd/system/clmgr.service.d/test.conf", 0o644, strings.NewReader(fmt.Sprintf(
		"[Service]\nWatchdogSec=%d\nRestartSec=200ms\nEnvironment=CLMGR_DEADLOCK=/var/lib/clmgr/hang\n", int(watchdogTime.Seconds())))))
	s.run(t, "chmod 755 /usr/local/bin/clmgr")
}

// show is one property of the unit.
func (s daemonSite) show(t *testing.T, property string) string {
	t.Helper()
	return s.run(t, "systemctl show --value -p "+property+" clmgr")
}

func (s daemonSite) restarts(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(s.show(t, "NRestarts"))
	must(t, err)
	return n
}

// ready waits until systemd has been told so.
func (s daemonSite) ready(t *testing.T) {
	t.Helper()
	eventually(t, "the daemon is ready", func() bool { return s.show(t, "ActiveState") == "active" })
}

func (s daemonSite) started(t *testing.T) {
	// Install returns when systemd was told READY, after the first heartbeat.
	if state := s.show(t, "ActiveState"); state != "active" {
		t.Fatalf("after install it is %s", state)
	}
	if status := s.show(t, "StatusText"); !strings.Contains(status, "1 of 1 instances and 0 of 1 services running") {
		t.Errorf("status: %s", status)
	}
	if head, _ := s.health(t); !strings.Contains(head, "200 OK") {
		t.Errorf("healthz says %s", head)
	}
	s.queued(t)
}

// health asks the daemon how its loops do.
func (s daemonSite) health(t *testing.T) (head string, loops []string) {
	t.Helper()
	answer := s.run(t, `bash -c 'exec 3<>/dev/tcp/127.0.0.1/9203; printf "GET /healthz HTTP/1.0\r\n\r\n" >&3; cat <&3'`)
	head, body, _ := strings.Cut(answer, "{")
	var doc struct{ Loops []struct{ Name string } }
	must(t, json.Unmarshal([]byte("{"+body), &doc))
	for _, l := range doc.Loops {
		name, _, _ := strings.Cut(l.Name, "/") // of a loop that drains: behind it stands its generation
		if strings.HasPrefix(l.Name, "logs/") {
			name = l.Name
		}
		loops = append(loops, name)
	}
	return head, loops
}

// queued has something queued by another process, which the daemon does once.
func (s daemonSite) queued(t *testing.T) {
	t.Helper()
	before := s.starts(t)
	s.run(t, "rm -f /run/file; clmgr actions add --do services:start:f1")
	eventually(t, "the daemon starts f1", func() bool { return s.starts(t) > before })
	s.settled(t)
	if got := s.starts(t); got != before+1 {
		t.Errorf("%d starts", got-before)
	}
}

// settled waits until nothing is waited for or under way: who asks for the same before that
// joins what was asked for already.
func (s daemonSite) settled(t *testing.T) {
	t.Helper()
	eventually(t, "every action is done", func() bool {
		list := s.run(t, "clmgr actions list -o json || true")
		return !regexp.MustCompile(`"state": ?"(waiting|running)"`).MatchString(list) && strings.Contains(list, `"actions"`)
	})
}

func (s daemonSite) starts(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(s.run(t, "cat /root/starts 2>/dev/null | wc -l"))
	must(t, err)
	return n
}

func (s daemonSite) reload(t *testing.T) {
	pid := s.show(t, "MainPID")
	s.run(t, "sed -i 's/interval: 500ms/interval: 400ms/' /etc/clmgr/clmgr.yaml; systemctl reload clmgr")
	eventually(t, "the reload is told", func() bool {
		return strings.Contains(s.run(t, "journalctl -u clmgr --no-pager"), "was read again")
	})
	s.run(t, "cp /etc/clmgr/clmgr.yaml /root/good; echo 'nonsense: [' >>/etc/clmgr/clmgr.yaml; systemctl reload clmgr")
	eventually(t, "the bad configuration is told", func() bool {
		return strings.Contains(s.run(t, "journalctl -u clmgr --no-pager"), "was not taken")
	})
	s.run(t, "cp /root/good /etc/clmgr/clmgr.yaml")
	s.ready(t)
	if now := s.show(t, "MainPID"); now != pid || s.restarts(t) != 0 {
		t.Errorf("process %s is now %s", pid, now)
	}
	s.queued(t)
}

// restartedWithin waits until systemd has ended the daemon and it is ready again.
func (s daemonSite) restartedWithin(t *testing.T, before int) {
	t.Helper()
	began := time.Now()
	eventually(t, "systemd restarts the daemon", func() bool { return s.restarts(t) > before })
	// A look at the unit takes its time, and systemd is not alone on this processor.
	if took := time.Since(began); took > watchdogTime+3*time.Second {
		t.Errorf("it took %v", took)
	}
	s.ready(t)
	if result := s.run(t, "journalctl -u clmgr --no-pager"); !strings.Contains(result, "Watchdog") {
		t.Errorf("the watchdog did not: %s", result)
	}
}

func (s daemonSite) frozen(t *testing.T) {
	before := s.restarts(t)
	s.run(t, "kill -STOP "+s.show(t, "MainPID"))
	s.restartedWithin(t, before)
	s.queued(t)
}

// everyLoopHangs makes one loop after the other hang, all that the daemon has.
func (s daemonSite) everyLoopHangs(t *testing.T) {
	_, loops := s.health(t)
	want := "alerts doctor heartbeat hosts logs/c/file/told logs/c/journal/d1 metrics peers queue rules units"
	if got := strings.Join(loops, " "); got != want {
		t.Fatalf("the loops are %s\nwant %s", got, want)
	}
	for _, loop := range loops {
		if !t.Run(loop, func(t *testing.T) { s.hangs(t, loop) }) {
			t.FailNow()
		}
	}
}

// hangs makes a loop hang while something is queued, which is done once nevertheless.
func (s daemonSite) hangs(t *testing.T, loop string) {
	before, starts, file := s.restarts(t), s.starts(t), "/var/lib/clmgr/hang/"+strings.ReplaceAll(loop, "/", "-")
	s.run(t, "touch "+file)
	eventually(t, loop+" hangs", func() bool { return s.run(t, "ls "+file+" 2>/dev/null || true") == "" })
	s.run(t, "rm -f /run/file; clmgr actions add --do services:start:f1")
	s.restartedWithin(t, before)
	if said := s.run(t, "journalctl -u clmgr --no-pager"); !strings.Contains(said, "loop="+loop) {
		t.Errorf("it did not say which: %s", said)
	}
	eventually(t, "what was queued is done", func() bool { return s.starts(t) > starts })
	s.settled(t)
	if got := s.starts(t); got != starts+1 {
		t.Errorf("%d starts of 1", got-starts)
	}
}

// killed fails it more often than systemd would bear by itself.
func (s daemonSite) killed(t *testing.T) {
	for range 6 {
		before := s.restarts(t)
		s.run(t, "kill -KILL "+s.show(t, "MainPID"))
		eventually(t, "it is started again", func() bool { return s.restarts(t) > before })
	}
	s.ready(t)
	s.queued(t)
}

func (s daemonSite) stopped(t *testing.T) {
	s.run(t, "systemctl stop clmgr")
	if result, code := s.show(t, "Result"), s.show(t, "ExecMainStatus"); result != "success" || code != "0" {
		t.Errorf("it ended with %s, %s", result, code)
	}
	s.run(t, "systemctl start clmgr")
	s.queued(t)
}

func (s daemonSite) uninstalled(t *testing.T) {
	s.run(t, "clmgr daemon uninstall")
	if left := s.run(t, "systemctl is-active clmgr || true; ls /etc/systemd/system/clmgr.service 2>&1 || true"); !strings.Contains(left, "inactive") || !strings.Contains(left, "No such file") {
		t.Errorf("left is %s", left)
	}
	s.run(t, "echo '[Service]' >/etc/systemd/system/clmgr.service")
	if said := s.run(t, "clmgr daemon install 2>&1; echo exit $?"); !strings.Contains(said, "has not written it") || !strings.Contains(said, "exit 5") {
		t.Errorf("over a unit of somebody else: %s", said)
	}
}
