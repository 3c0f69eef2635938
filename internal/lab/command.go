package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

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
	own, err := m.commandGroup()
	if err != nil {
		return fmt.Errorf("cannot run a command on %s: %w", m.name, err)
	}
	// What a command leaves running keeps its group until the machine's power goes.
	defer os.Remove(string(own)) //nolint:errcheck // see above
	// The command joins its group by itself: a child that is born into a frozen one never
	// gets to exec, and all of this process would wait for it.
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", enter, "sh", own.join(), strconv.Itoa(pid), command)
	cmd.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root", "USER=root", "LANG=C.UTF-8",
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return own.end(cmd.Process.Pid) }
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	if ctx.Err() != nil {
		err = errors.Join(err, own.kill(context.WithoutCancel(ctx)))
	}
	if err != nil {
		return fmt.Errorf("cannot run a command on %s: %w", m.name, err)
	}
	return nil
}

// commandGroup makes a control group for one command.
func (m *Machine) commandGroup() (group, error) {
	g, err := m.group()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(string(g.sub("run")), 0o755); err != nil {
		return "", err
	}
	own, err := os.MkdirTemp(string(g.sub("run")), "")
	return group(own), err
}

// end kills what runs inside the machine and lets nsenter, the leader, collect it: a
// process whose parent outside dies first stays behind as a zombie that the machine's own
// init cannot collect and waits for when it shuts down.
func (g group) end(leader int) error {
	inside := slices.DeleteFunc(g.pids(), func(pid int) bool { return pid == leader })
	if len(inside) == 0 {
		inside = []int{leader}
	}
	for _, pid := range inside {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
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

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}
