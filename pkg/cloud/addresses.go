package cloud

import (
	"context"
	"net/netip"
)

// Kinds of addresses that move between machines.
const (
	KindElastic   = "elastic"   // a public address of the provider
	KindInterface = "interface" // a network interface with a private address of its own
	KindSecondary = "secondary" // a private address on a machine's first interface
)

// Address is an address that moves between machines, and who has it.
type Address struct {
	IP     netip.Addr
	Kind   string // one of the kinds; empty for a private address that nobody has
	ID     string // the provider's id of it, where it has one
	Holder string // the id of the instance that has it; empty for nobody
	Name   string // the configured name of that instance; empty where it is not ours
}

// Addresses is a provider that moves addresses between machines. A private
// address is moved with its network interface where it has one of its own, else
// it becomes a secondary address of the machine's first interface.
type Addresses interface {
	// Associate gives the address to the machine, whoever has it.
	Associate(ctx context.Context, name string, ip netip.Addr) (Address, error)
	// Disassociate takes the address from the machine; where the machine does
	// not have it nothing is done.
	Disassociate(ctx context.Context, name string, ip netip.Addr) (Address, error)
	// Address tells who has it.
	Address(ctx context.Context, ip netip.Addr) (Address, error)
}
