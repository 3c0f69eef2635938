package ec2

import (
	"context"
	"maps"
	"net/netip"
	"slices"
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
	// Deliver makes this the network: traffic goes to and from these addresses only.
	Deliver(ctx context.Context, n Network) error
}

// Network is whose the addresses are.
type Network struct {
	Private map[string][]netip.Addr   // by machine; the first is its primary one
	Public  map[netip.Addr]netip.Addr // elastic addresses, each with the private one behind it
}

func (n Network) equal(other Network) bool {
	return maps.EqualFunc(n.Private, other.Private, slices.Equal) && maps.Equal(n.Public, other.Public)
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
func (NoMachines) Deliver(context.Context, Network) error { return nil }

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

// network is what the machines must have. An elastic address leads on only where a
// machine is.
func (s *state) network() Network {
	all := Network{map[string][]netip.Addr{}, map[netip.Addr]netip.Addr{}}
	for _, i := range s.Instances {
		if i.Machine == "" {
			continue
		}
		for _, id := range i.Interfaces {
			all.Private[i.Machine] = append(all.Private[i.Machine], s.Interfaces[id].Addresses...)
		}
	}
	for _, e := range s.Elastic {
		if s.Instances[s.Interfaces[e.Interface].Attachment.Instance].Machine != "" {
			all.Public[e.Public] = e.Private
		}
	}
	return all
}
