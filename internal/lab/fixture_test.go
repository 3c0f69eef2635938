package lab_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
)

// run executes a command in a machine and returns its output; a failure ends the test.
func run(t *testing.T, m *lab.Machine, command string) string {
	t.Helper()
	out, _, err := m.Run(t.Context(), command, nil)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually asks until yes, 15 s at most.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	end := time.Now().Add(15 * time.Second)
	for !yes() {
		if time.Now().After(end) {
			t.Fatalf("never saw: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// patience is how long silence must last before it is taken for a cut: long enough that
// a machine that is only busy is not.
const patience = 2 * time.Second

// sees tells whether sshd of a machine says its name to this host within a moment.
func sees(m *lab.Machine) bool {
	end := time.Now().Add(patience)
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(m.IP().String(), "22"), patience)
	if err != nil {
		return false
	}
	defer conn.Close()
	conn.SetDeadline(end)
	n, _ := conn.Read(make([]byte, 4))
	return n > 0
}

// hears tells whether one machine gets an answer from a port of another.
func hears(ctx context.Context, from, to *lab.Machine, port string) (bool, error) {
	out, _, err := from.Run(ctx, fmt.Sprintf(
		"timeout %g bash -c 'exec 3<>/dev/tcp/%s/%s && head -c1 <&3 >/dev/null' 2>/dev/null && echo yes || echo no",
		patience.Seconds(), to.IP(), port), nil)
	return strings.TrimSpace(string(out)) == "yes", err
}

// startChild runs this test binary as another process and returns what it prints, line
// by line. It is killed with the test at the latest.
func startChild(t *testing.T, name string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+name)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd, bufio.NewScanner(out)
}

// traces lists by kind what this host shows of a lab: by its name, by its bridge.
func traces(t *testing.T, name, bridge string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	note := func(kind, what string) { found[kind] = append(found[kind], what) }
	links, err := net.Interfaces()
	must(t, err)
	for _, l := range links {
		if l.Name == bridge || strings.HasPrefix(l.Name, bridge+"m") {
			note("link", l.Name)
		}
	}
	tables, err := exec.Command("nft", "list", "tables").Output()
	must(t, err)
	for line := range strings.Lines(string(tables)) {
		if strings.HasSuffix(strings.TrimSpace(line), " "+bridge) {
			note("table", line)
		}
	}
	mounts, err := os.ReadFile("/proc/mounts")
	must(t, err)
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, "/"+name+"/") {
			note("mount", line)
		}
	}
	for kind, pattern := range map[string]string{
		"group":     "/sys/fs/cgroup/*/clmgr-lab/" + name,
		"directory": "/var/lib/clmgr-lab/*" + name,
		"nspawn":    "/run/systemd/nspawn/*/*",
		"temporary": "/tmp/nspawn-*",
		"namespace": "/run/netns/*",
	} {
		paths, err := filepath.Glob(pattern)
		must(t, err)
		for _, p := range paths {
			note(kind, p)
		}
	}
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range commands {
		text, _ := os.ReadFile(file)
		if strings.Contains(string(text), "/"+name+"/machines/") {
			note("process", strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return found
}

// gone checks that nothing is left of a lab.
func gone(t *testing.T, name, bridge string) {
	t.Helper()
	for kind, what := range traces(t, name, bridge) {
		t.Errorf("left behind, %s: %q", kind, what)
	}
}

// bridgeOf finds a lab's bridge by its address.
func bridgeOf(t *testing.T, l *lab.Lab) string {
	t.Helper()
	links, err := net.Interfaces()
	must(t, err)
	for _, link := range links {
		addrs, _ := link.Addrs()
		for _, a := range addrs {
			if strings.HasPrefix(a.String(), l.HostIP().String()+"/") {
				return link.Name
			}
		}
	}
	t.Fatal("the lab has no bridge")
	return ""
}

func background(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
