package lab

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/clmgr/clmgr/internal/lab/ec2"
)

// cloud puts the lab's machines behind the instances of its EC2 endpoint. It keeps no
// handle: every call sees the lab as it is.
type cloud struct{ lab string }

// Boot makes and starts a machine.
func (c cloud) Boot(ctx context.Context, want ec2.Machine) error {
	l, err := Open(c.lab)
	if err != nil {
		return err
	}
	m := l.Machine(want.Name)
	if m == nil {
		image, err := imageNamed(want.Image)
		if err != nil {
			return err
		}
		if m, err = l.Add(ctx, Spec{want.Name, image}, want.Address); err != nil {
			return err
		}
	}
	if err := m.PowerOn(ctx); err != nil {
		return err
	}
	return m.WaitSSH(ctx)
}

// Halt shuts a machine down or pulls its cord.
func (c cloud) Halt(ctx context.Context, name string, force bool) error {
	m, err := c.machine(name)
	switch {
	case err != nil || m == nil:
		return err
	case force:
		return m.Kill(ctx)
	}
	return m.PowerOff(ctx)
}

// Remove shuts a machine down and takes it away.
func (c cloud) Remove(ctx context.Context, name string) error {
	if err := c.Halt(ctx, name, false); err != nil {
		return err
	}
	l, err := Open(c.lab)
	if err != nil {
		return err
	}
	return l.Remove(ctx, name)
}

// Alive tells whether a machine has power and moves.
func (c cloud) Alive(name string) bool {
	m, err := c.machine(name)
	return err == nil && m != nil && m.Running() && !m.Frozen()
}

// screenSize is how much of a console's end is read.
const screenSize = 48 << 10

// Screen reads a machine's console and its public host keys.
func (c cloud) Screen(name string) (log string, keys []string) {
	m, err := c.machine(name)
	if err != nil || m == nil {
		return "", nil
	}
	if file, err := os.Open(m.console()); err == nil {
		defer file.Close()
		if info, err := file.Stat(); err == nil {
			text, _ := io.ReadAll(io.NewSectionReader(file, max(0, info.Size()-screenSize), screenSize))
			log = string(text)
		}
	}
	files, _ := filepath.Glob(filepath.Join(m.upper(), "etc/ssh/ssh_host_*_key.pub"))
	for _, path := range files {
		if key, err := os.ReadFile(path); err == nil {
			keys = append(keys, strings.TrimSpace(string(key))+" root@"+name)
		}
	}
	return log, keys
}

// Deliver lets each machine send from and receive at its addresses, and no other, and
// leads elastic addresses to where they belong.
func (c cloud) Deliver(ctx context.Context, want ec2.Network) error {
	l, err := Open(c.lab)
	if err != nil {
		return err
	}
	n := newNetwork(l.state.Subnet)
	err = setTable(ctx, "bridge", n.assigned(), n.assignedRules(want.Private))
	if err == nil {
		err = setTable(ctx, "inet", n.assigned(), n.elasticRules(want.Public))
	}
	if err != nil {
		return fmt.Errorf("cannot deliver to assigned addresses only: %w", err)
	}
	return nil
}

func (c cloud) machine(name string) (*Machine, error) {
	l, err := Open(c.lab)
	if err != nil {
		return nil, err
	}
	return l.Machine(name), nil
}

func imageNamed(name string) (Image, error) {
	for _, i := range Images() {
		if i.Name == name {
			return i, nil
		}
	}
	return Image{}, fmt.Errorf("there is no image %q", name)
}
