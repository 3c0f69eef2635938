package cloud

import (
	"context"
	"fmt"
	"net/netip"
)

// LocalName is the name of the Local driver in the configuration.
const LocalName = "LOCAL"

// GateLocal is the gate at which Local refuses to change power.
const GateLocal = "local-machines-have-no-power-api"

// GateLocalAddresses is the gate at which Local refuses to move addresses.
const GateLocalAddresses = "local-machines-have-no-address-api"

// Local is the driver of machines that exist without a cloud: what is
// configured is what there is. It can tell no state but the one an operator
// declared; whether a machine runs shows when SSH is tried.
type Local struct{ machines []Instance }

var (
	_ Driver    = (*Local)(nil)
	_ Addresses = (*Local)(nil)
)

// NewLocal returns the driver of the given machines. Their State is "stopped"
// where the operator says so, else empty.
func NewLocal(machines []Instance) *Local { return &Local{machines: machines} }

// Name returns LocalName.
func (l *Local) Name() string { return LocalName }

// Instances returns the configured machines; the listing is always complete.
func (l *Local) Instances(context.Context) (Listing, error) {
	return Listing{Instances: append([]Instance(nil), l.machines...), Complete: true}, nil
}

// Instance returns the configured machine.
func (l *Local) Instance(_ context.Context, name string) (Instance, error) {
	for _, i := range l.machines {
		if i.Name == name {
			return i, nil
		}
	}
	return Instance{}, unknownMachine("look at", name)
}

// Launch is refused.
func (l *Local) Launch(_ context.Context, name string) (Instance, error) {
	return l.refuse("launch", name, "the LOCAL driver cannot create machines; install the machine, then set its ip in the configuration")
}

// Start is refused.
func (l *Local) Start(_ context.Context, name string) (Instance, error) {
	return l.refuse("start", name, "the LOCAL driver cannot switch machines on; do it by hand, the next heartbeat sees it")
}

// Stop is refused.
func (l *Local) Stop(_ context.Context, name string) (Instance, error) {
	return l.refuse("stop", name, `the LOCAL driver cannot switch machines off; do it by hand and set "state: stopped" in the configuration`)
}

// Terminate is refused.
func (l *Local) Terminate(_ context.Context, name string) (Instance, error) {
	return l.refuse("terminate", name, "the LOCAL driver cannot remove machines; take the machine out of the configuration")
}

// Associate is refused.
func (l *Local) Associate(_ context.Context, name string, ip netip.Addr) (Address, error) {
	return l.refuseAddress("associate an address with", name, ip)
}

// Disassociate is refused.
func (l *Local) Disassociate(_ context.Context, name string, ip netip.Addr) (Address, error) {
	return l.refuseAddress("disassociate an address from", name, ip)
}

// Address is refused.
func (l *Local) Address(_ context.Context, ip netip.Addr) (Address, error) {
	return l.refuseAddress("tell who has an address of", "all", ip)
}

func (l *Local) refuse(verb, name, reason string) (Instance, error) {
	return Instance{}, &Refused{Driver: LocalName, Verb: verb, Name: name, Gate: GateLocal, Reason: reason}
}

func (l *Local) refuseAddress(verb, name string, ip netip.Addr) (Address, error) {
	return Address{}, &Refused{
		Driver: LocalName, Verb: verb, Name: name, Gate: GateLocalAddresses,
		Reason: fmt.Sprintf("the LOCAL driver does not know who has %s; on such machines keepalived moves it", ip),
	}
}

// unknownMachine is the error of a name that the configuration does not have.
func unknownMachine(verb, name string) error {
	return fmt.Errorf("cannot %s instance %s: the configuration has no such machine", verb, name)
}
