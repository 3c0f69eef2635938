package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// sigPowerOff is SIGRTMIN+4, which systemd takes for the power button.
const sigPowerOff = syscall.Signal(34 + 4)

// cleanStop is how long a machine may take to stop by itself; then the cord is pulled.
const cleanStop = 20 * time.Second

// starter runs in mount and network namespaces of its own, in the machine's control
// group, and in one of an older tree where its processor is shared out there. It waits for
// its cable, then becomes systemd-nspawn. What nspawn leaves in /tmp and /run falls to
// namespaces that end with it. The environment asks for one tree of control groups inside,
// which is the only one newer releases of systemd accept.
const starter = `set -e
if [ "$JOIN" ]; then echo $$ >"$JOIN"; fi
read -r plugged
exec </dev/null
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$DIR/up,workdir=$DIR/work" "$DIR/root"
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
ip -batch - <<END
link set lo up
addr add $ADDRESS dev eth0
link set eth0 up
route add default via $GATEWAY
END
export UNIFIED_CGROUP_HIERARCHY=1
exec systemd-nspawn --quiet --directory="$DIR/root" --machine="$NAME" --hostname="$NAME" \
	--keep-unit --register=no --network-namespace-path=/proc/self/ns/net \
	--capability=CAP_NET_ADMIN,CAP_NET_RAW --resolv-conf=off --timezone=off --link-journal=no \
	--console=pipe --boot
`

// PowerOn starts the machine and returns when its first process runs; sshd needs about
// half a second more. On a machine that is on it does nothing.
func (m *Machine) PowerOn(ctx context.Context) error {
	unlock, err := m.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if m.Running() {
		return nil
	}
	if err := m.start(ctx); err != nil {
		return fmt.Errorf("cannot power %s on: %w", m.name, err)
	}
	return countBoot(m)
}

// start runs the starter, plugs the cable in and waits for the first process.
func (m *Machine) start(ctx context.Context) error {
	g, err := m.group()
	if err != nil {
		return err
	}
	if err := errors.Join(g.remove(), removeLink(ctx, m.cable.port)); err != nil {
		return err
	}
	join := ""
	if m.cpu > 0 {
		if join, err = g.limit(m.cpu); err != nil {
			return fmt.Errorf("cannot give it a share of a processor: %w", err)
		}
	}
	cmd, plugged, err := m.spawn(g, join)
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in the console's log
		close(ended)
	}()
	if err := m.cable.plug(ctx, cmd.Process.Pid, !exists(m.unplugged())); err != nil {
		return errors.Join(err, g.kill(ctx))
	}
	if _, err := plugged.WriteString("plugged\n"); err != nil {
		return errors.Join(err, g.kill(ctx))
	}
	plugged.Close()
	err = poll(ctx, 15*time.Second, func() bool {
		select {
		case <-ended:
			return true
		default:
			return m.leader() != 0
		}
	})
	if m.leader() == 0 {
		console, _ := os.ReadFile(m.console())
		return errors.Join(err, g.kill(ctx), fmt.Errorf("it did not start: %s", lastLine(console)))
	}
	return err
}

// spawn starts the starter and returns the pipe it waits on. The machine outlives this
// process: it has a session of its own and writes to a file.
func (m *Machine) spawn(g group, join string) (*exec.Cmd, *os.File, error) {
	fd, closeGroup, err := g.open()
	if err != nil {
		return nil, nil, err
	}
	defer closeGroup()
	console, err := os.OpenFile(m.console(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer console.Close()
	waits, plugged, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer waits.Close()
	cmd := exec.Command("/bin/sh", "-c", starter) //nolint:noctx // the machine must outlive the caller
	cmd.Env = append(os.Environ(),
		"JOIN="+join, "LOWER="+m.image, "DIR="+m.dir, "NAME="+m.name,
		"ADDRESS="+m.cable.address.String(), "GATEWAY="+m.cable.gateway.String())
	cmd.Dir = "/"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = waits, console, console
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid:       true,
		Unshareflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
		UseCgroupFD:  true, CgroupFD: fd,
	}
	if err := cmd.Start(); err != nil {
		plugged.Close()
		return nil, nil, err
	}
	return cmd, plugged, nil
}

// PowerOff presses the power button: services stop in order. A machine that takes longer
// than 20 s, or that stands still, loses its power.
func (m *Machine) PowerOff(ctx context.Context) error {
	if pid := m.leader(); pid != 0 && !m.Frozen() {
		if err := syscall.Kill(pid, sigPowerOff); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("cannot power %s off: %w", m.name, err)
		}
		if err := poll(ctx, cleanStop, func() bool { return !m.Running() }); err == nil {
			return m.Kill(ctx)
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cannot power %s off: %w", m.name, err)
	}
	return m.Kill(ctx)
}

// Kill pulls the power cord: nothing is stopped or flushed. The disk keeps what was
// written to it. On a machine that is off it does nothing.
func (m *Machine) Kill(ctx context.Context) error {
	g, err := m.group()
	if err == nil {
		err = errors.Join(g.kill(ctx), g.write("cgroup.freeze", "0"), removeLink(ctx, m.cable.port))
	}
	if err != nil {
		return fmt.Errorf("cannot kill %s: %w", m.name, err)
	}
	return nil
}

// Freeze stops every process of the machine where it is. Its address still answers as
// far as the kernel does: ports accept and say nothing.
func (m *Machine) Freeze(ctx context.Context) error { return m.still(ctx, true) }

// Thaw lets a frozen machine go on.
func (m *Machine) Thaw(ctx context.Context) error { return m.still(ctx, false) }

func (m *Machine) still(ctx context.Context, on bool) error {
	g, err := m.group()
	if err == nil && !g.populated() {
		err = errors.New("it is off")
	}
	if err == nil {
		err = g.freeze(ctx, on)
	}
	if err != nil {
		return fmt.Errorf("cannot freeze or thaw %s: %w", m.name, err)
	}
	return nil
}

func (m *Machine) console() string { return filepath.Join(m.dir, "console.log") }

// unplugged is a file that exists while the machine's cable is pulled out.
func (m *Machine) unplugged() string { return filepath.Join(m.dir, "unplugged") }

// setPlugged gives the machine its carrier or takes it, now and when it starts again.
func (m *Machine) setPlugged(ctx context.Context, in bool) error {
	var err error
	if in {
		err = os.RemoveAll(m.unplugged())
	} else {
		err = os.WriteFile(m.unplugged(), nil, 0o600)
	}
	if err != nil || !exists(filepath.Join("/sys/class/net", m.cable.port)) {
		return err
	}
	_, err = tool(ctx, "", "ip", "link", "set", m.cable.port, upDown(in))
	return err
}

// lock keeps two processes from starting the same machine at once.
func (m *Machine) lock(ctx context.Context) (unlock func(), err error) {
	lock, err := lockFile(ctx, filepath.Join(m.dir, "lock"))
	if err != nil {
		return nil, err
	}
	return func() { lock.Close() }, nil
}

// countBoot adds a line to the file $CLMGR_LAB_BOOTS names, so that a test run can tell
// how many real machines it had.
func countBoot(m *Machine) error {
	path := os.Getenv("CLMGR_LAB_BOOTS")
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // whoever runs the tests names the file
	if err != nil {
		return fmt.Errorf("cannot count a boot: %w", err)
	}
	defer file.Close()
	_, err = file.WriteString(strings.Join([]string{m.lab, m.name, m.IP().String()}, " ") + "\n")
	return err
}
