package lab

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Machine is one Debian system: a disk, a cable and a power switch.
type Machine struct {
	name, lab string
	image     string // the lower layer of its disk
	dir       string // the upper layer, and what else is its own
	cable     cable
	cpu       int // percent of one processor; 0 for all
}

func newMachine(lab state, n network, s machineState) *Machine {
	return &Machine{
		name: s.Name, lab: lab.Name, image: s.Image, cable: n.cable(s.Host), cpu: lab.CPU,
		dir: filepath.Join(labsDir, lab.Name, "machines", s.Name),
	}
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
