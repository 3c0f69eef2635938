package lab_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

func TestMachines(t *testing.T) {
	boots := filepath.Join(t.TempDir(), "boots")
	t.Setenv("CLMGR_LAB_BOOTS", boots)
	l := labtest.Up(t, lab.Databases(), "m1", "m2", "m3")
	t.Run("boots are counted", func(t *testing.T) {
		text, err := os.ReadFile(boots)
		must(t, err)
		if n := strings.Count(string(text), "\n"); n != 3 {
			t.Errorf("%d boots counted of 3", n)
		}
	})
	t.Run("systemd is well", func(t *testing.T) {
		for _, m := range l.Machines() {
			if state := run(t, m, "systemctl is-system-running --wait"); state != "running" {
				t.Errorf("%s is %s", m.Name(), state)
			}
			if name := run(t, m, "hostname"); name != m.Name() {
				t.Errorf("%s calls itself %s", m.Name(), name)
			}
		}
	})
	t.Run("ssh", func(t *testing.T) { testSSH(t, l) })
	t.Run("apt", func(t *testing.T) {
		got := run(t, l.Machine("m3"), "apt-get -qq update && apt-get -qq install -y --no-install-recommends hello >/dev/null 2>&1 && hello")
		if got != "Hello, world!" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("run and write", func(t *testing.T) { testRun(t, l.Machine("m1")) })
	t.Run("power off and on", func(t *testing.T) { testPower(t, l, (*lab.Machine).PowerOff) })
	t.Run("kill and power on", func(t *testing.T) { testPower(t, l, (*lab.Machine).Kill) })
	t.Run("freeze and thaw", func(t *testing.T) { testFreeze(t, l) })
	t.Run("poweroff from within", func(t *testing.T) { testOwnPowerOff(t, l) })
	t.Run("cuts", func(t *testing.T) { testCuts(t, l) })
}

// ssh runs the real client with strict checking of host keys.
func ssh(t *testing.T, l *lab.Lab, known, target, command string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ssh", "-n", "-F", "none", "-i", l.KeyFile(), "-o", "IdentitiesOnly=yes",
		"-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile="+known,
		"-o", "GlobalKnownHostsFile=none", target, command).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func testSSH(t *testing.T, l *lab.Lab) {
	for _, user := range []string{"root", "clmgr"} {
		out, err := ssh(t, l, l.KnownHosts(), user+"@"+l.Machine("m2").IP().String(), "id -un; hostname")
		if err != nil || out != user+"\nm2" {
			t.Errorf("ssh as %s: %v: %s", user, err, out)
		}
	}
	// The keys of the machines differ: m1's does not pass for m2's.
	text, err := os.ReadFile(l.KnownHosts())
	must(t, err)
	line, _, _ := strings.Cut(string(text), "\n")
	_, key, _ := strings.Cut(line, " ")
	wrong := filepath.Join(t.TempDir(), "known_hosts")
	must(t, os.WriteFile(wrong, []byte(l.Machine("m2").IP().String()+" "+key+"\n"), 0o600))
	out, err := ssh(t, l, wrong, "root@"+l.Machine("m2").IP().String(), "true")
	if err == nil || !strings.Contains(out, "verification failed") {
		t.Errorf("the key of m1 passed for m2's: %v: %s", err, out)
	}
}

func testRun(t *testing.T, m *lab.Machine) {
	out, complaint, err := m.Run(t.Context(), "cat; echo no >&2; exit 7", strings.NewReader("in"))
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) || exit.ExitCode() != 7 || string(out) != "in" || string(complaint) != "no\n" {
		t.Errorf("got %q, %q, %v", out, complaint, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, _, err := m.Run(ctx, "sleep 987 & sleep 987", nil); err == nil {
		t.Error("a command outlived its context")
	}
	eventually(t, "the end of the command", func() bool { return run(t, m, "pgrep -c sleep || true") == "0" })
	must(t, m.Write(t.Context(), "/root/a file's name", 0o640, strings.NewReader("text")))
	if got := run(t, m, `cat "/root/a file's name"; stat -c %a "/root/a file's name"`); got != "text640" {
		t.Errorf("got %q", got)
	}
	from := filepath.Join(t.TempDir(), "script")
	must(t, os.WriteFile(from, []byte("#!/bin/sh\necho works\n"), 0o755))
	must(t, m.Copy(t.Context(), from, "/usr/local/bin/script"))
	if got := run(t, m, "script"); got != "works" {
		t.Errorf("got %q", got)
	}
}

func testPower(t *testing.T, l *lab.Lab, off func(*lab.Machine, context.Context) error) {
	m := l.Machine("m1")
	before := run(t, m, "echo kept >/root/disk; cat /proc/sys/kernel/random/boot_id /etc/machine-id; stat -c %Y /proc/1")
	must(t, off(m, t.Context()))
	if m.Running() || sees(m) {
		t.Error("it is still on")
	}
	if !sees(l.Machine("m2")) {
		t.Error("another machine went with it")
	}
	if _, _, err := m.Run(t.Context(), "true", nil); err == nil {
		t.Error("a command ran on a machine without power")
	}
	must(t, off(m, t.Context())) // twice is no harm
	must(t, errors.Join(m.PowerOn(t.Context()), m.WaitSSH(t.Context())))
	if got := run(t, m, "cat /root/disk"); got != "kept" {
		t.Errorf("the disk holds %q", got)
	}
	after := run(t, m, "cat /proc/sys/kernel/random/boot_id /etc/machine-id; stat -c %Y /proc/1")
	if before == after {
		t.Error("it never went off")
	}
	if out, err := ssh(t, l, l.KnownHosts(), "root@"+m.IP().String(), "true"); err != nil {
		t.Errorf("its host key changed: %v: %s", err, out)
	}
}

func testFreeze(t *testing.T, l *lab.Lab) {
	m := l.Machine("m3")
	must(t, m.Freeze(t.Context()))
	if !m.Frozen() || !m.Running() || sees(m) {
		t.Error("it does not stand still")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, _, err := m.Run(ctx, "true", nil); !errors.Is(ctx.Err(), context.DeadlineExceeded) || err == nil {
		t.Errorf("a command ran on a frozen machine: %v", err)
	}
	if !sees(l.Machine("m2")) {
		t.Error("another machine stands still")
	}
	must(t, m.Thaw(t.Context()))
	if m.Frozen() || !sees(m) {
		t.Error("it did not go on")
	}
	must(t, m.Freeze(t.Context()))
	must(t, errors.Join(m.PowerOff(t.Context()), m.PowerOn(t.Context()), m.WaitSSH(t.Context())))
	if m.Frozen() || !sees(m) {
		t.Error("it came back frozen")
	}
}

func testOwnPowerOff(t *testing.T, l *lab.Lab) {
	m := l.Machine("m2")
	_, _, _ = m.Run(t.Context(), "systemctl poweroff", nil)
	eventually(t, "the machine off", func() bool { return !m.Running() })
	if sees(m) {
		t.Error("a machine without power answers")
	}
	must(t, errors.Join(m.PowerOn(t.Context()), m.WaitSSH(t.Context())))
}
