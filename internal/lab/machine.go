package lab

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Machine is one Debian system: a disk, a cable and a power switch.
type Machine struct {
	name, lab string
	image     string // the lower layer of its disk
	dir       string // the upper layer, and what else is its own
	cable     cable
}

// Name is the machine's host name.
func (m *Machine) Name() string { return m.name }

// IP is the machine's address; it stays the same.
func (m *Machine) IP() netip.Addr { return m.cable.address.Addr() }

func (m *Machine) upper() string { return filepath.Join(m.dir, "up") }

// group holds every process of the machine and nothing else.
func (m *Machine) group() (group, error) {
	g, err := labGroup(m.lab)
	return group(filepath.Join(string(g), m.name)), err
}

// Running tells whether the machine has power; a frozen one has.
func (m *Machine) Running() bool {
	g, err := m.group()
	return err == nil && g.populated()
}

// Frozen tells whether the machine stands still.
func (m *Machine) Frozen() bool {
	g, err := m.group()
	return err == nil && g.frozen()
}

// leader is the machine's first process, as this host numbers it; 0 while there is none
// or while it is not yet inside its own file system.
func (m *Machine) leader() int {
	g, err := m.group()
	if err != nil {
		return 0
	}
	for _, pid := range g.pids() {
		status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
		if err != nil {
			continue
		}
		var name, inner string
		for line := range strings.Lines(string(status)) {
			f := strings.Fields(line)
			switch {
			case len(f) == 2 && f[0] == "Name:":
				name = f[1]
			case len(f) == 3 && f[0] == "NSpid:":
				inner = f[2]
			}
		}
		if inner == "1" && (name == "systemd" || name == "init") {
			return pid
		}
	}
	return 0
}

// Run executes a shell command in the machine, as Exec does, and returns what it printed.
func (m *Machine) Run(ctx context.Context, command string, stdin io.Reader) (stdout, stderr []byte, err error) {
	var out, complaint bytes.Buffer
	if err := m.Exec(ctx, command, stdin, &out, &complaint); err != nil {
		err = fmt.Errorf("%w: %s", err, lastLine(complaint.Bytes()))
		return out.Bytes(), complaint.Bytes(), err
	}
	return out.Bytes(), complaint.Bytes(), nil
}

// enter goes into the control group $1 and the namespaces of $2, and runs $3 there.
const enter = `echo $$ >"$1" && exec nsenter -t "$2" -m -u -i -n -p -- /bin/sh -c "$3"`

// Exec executes a shell command in the machine, as root and not through the network. A
// non-zero exit is an *exec.ExitError in the chain. In a frozen machine it waits until
// ctx ends; then all that belongs to the command is killed. stdin may be nil.
func (m *Machine) Exec(ctx context.Context, command string, stdin io.Reader, stdout, stderr io.Writer) error {
	pid := m.leader()
	if pid == 0 {
		return fmt.Errorf("cannot run a command on %s: it is off", m.name)
	}
	g, err := m.group()
	if err != nil {
		return err
	}
	run := g.sub("run")
	if err := os.MkdirAll(string(run), 0o755); err != nil {
		return fmt.Errorf("cannot run a command on %s: %w", m.name, err)
	}
	// The command joins the machine's group by itself: a child that is born into a frozen
	// one never gets to exec, and all of this process would wait for it.
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", enter, "sh", run.join(), strconv.Itoa(pid), command)
	cmd.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root", "USER=root", "LANG=C.UTF-8",
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cannot run a command on %s: %w", m.name, err)
	}
	return nil
}

// Write makes a file in the machine with that content, whole or not at all.
func (m *Machine) Write(ctx context.Context, path string, mode os.FileMode, content io.Reader) error {
	fresh := quote(path + ".new")
	command := fmt.Sprintf("umask 077 && cat >%s && chmod %o %s && mv -f %s %s",
		fresh, mode.Perm(), fresh, fresh, quote(path))
	if _, _, err := m.Run(ctx, command, content); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

// Copy copies a file of this host into the machine, with its mode.
func (m *Machine) Copy(ctx context.Context, from, to string) error {
	file, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("cannot copy to %s: %w", m.name, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("cannot copy to %s: %w", m.name, err)
	}
	return m.Write(ctx, to, info.Mode(), file)
}

// WaitSSH waits until sshd says its name, 30 s at most.
func (m *Machine) WaitSSH(ctx context.Context) error {
	dialer := net.Dialer{Timeout: 500 * time.Millisecond}
	err := poll(ctx, 30*time.Second, func() bool {
		conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(m.IP().String(), "22"))
		if err != nil {
			return false
		}
		defer conn.Close()
		banner := make([]byte, 4)
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		_, err = io.ReadFull(conn, banner)
		return err == nil && string(banner) == "SSH-"
	})
	if err != nil {
		return fmt.Errorf("cannot reach sshd of %s: %w", m.name, err)
	}
	return nil
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}
