package ec2

import (
	"context"
	"net/netip"
)

// Machine is what an instance runs on.
type Machine struct {
	Name    string
	Image   string // the name of an [Image]
	Address netip.Addr
}

// Machines are the machines behind instances. All calls can be repeated: what is so
// already succeeds.
type Machines interface {
	// Boot makes the machine where there is none and starts it; it returns when sshd answers.
	Boot(ctx context.Context, m Machine) error
	// Halt takes the machine's power and keeps its disk; by force at once, else in order.
	Halt(ctx context.Context, name string, force bool) error
	// Remove takes the machine and its disk away.
	Remove(ctx context.Context, name string) error
	// Alive tells whether the machine has power.
	Alive(name string) bool
	// Screen is what the console shows, and the public host keys as known_hosts spells them.
	Screen(name string) (log string, keys []string)
	// Deliver makes these the only addresses traffic reaches, by machine.
	Deliver(ctx context.Context, addresses map[string][]netip.Addr) error
}

// NoMachines stands behind instances that are only listed.
type NoMachines struct{}

// Boot does nothing.
func (NoMachines) Boot(context.Context, Machine) error { return nil }

// Halt does nothing.
func (NoMachines) Halt(context.Context, string, bool) error { return nil }

// Remove does nothing.
func (NoMachines) Remove(context.Context, string) error { return nil }

// Alive is true.
func (NoMachines) Alive(string) bool { return true }

// Screen is empty.
func (NoMachines) Screen(string) (string, []string) { return "", nil }

// Deliver does nothing.
func (NoMachines) Deliver(context.Context, map[string][]netip.Addr) error { return nil }

// machine is what an instance runs on.
func (s *state) machine(i instance, images []Image) Machine {
	m := Machine{Name: i.Machine}
	if nic, ok := s.primary(i); ok {
		m.Address = nic.Addresses[0]
	}
	for _, image := range images {
		if image.ID() == i.Image {
			m.Image = image.Name
		}
	}
	return m
}

// delivered are the private addresses of every machine.
func (s *state) delivered() map[string][]netip.Addr {
	all := map[string][]netip.Addr{}
	for _, i := range s.Instances {
		if i.Machine == "" {
			continue
		}
		for _, id := range i.Interfaces {
			all[i.Machine] = append(all[i.Machine], s.Interfaces[id].Addresses...)
		}
	}
	return all
}
