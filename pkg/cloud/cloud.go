package cloud

import (
	"context"
	"fmt"
	"net/netip"
)

// Instance is a machine as its provider tells of it.
type Instance struct {
	ID    string     // the provider's id
	Name  string     // the name the configuration gives it
	IP    netip.Addr // zero while it has none
	State string     // the provider's state; empty where the provider cannot tell
}

// Listing is the answer to "which machines are there". Where Complete is false,
// a machine that is not listed may exist all the same.
type Listing struct {
	Instances []Instance
	Complete  bool
}

// Driver is one provider of machines. Launch, Start, Stop and Terminate take
// the configured name; a driver that cannot do it returns *Refused.
type Driver interface {
	// Name is the driver's name in the configuration.
	Name() string
	// Instances lists the machines the configuration owns. With an error the
	// listing holds what was learned before it.
	Instances(ctx context.Context) (Listing, error)
	Launch(ctx context.Context, name string) error
	Start(ctx context.Context, name string) error
	Stop(ctx context.Context, name string) error
	Terminate(ctx context.Context, name string) error
}

// Refused is a change that a driver does not make.
type Refused struct {
	Driver, Verb, Name string
	Gate               string // a fixed word for the reason, for scripts
	Reason             string
}

// Error names the machine, the gate and the reason.
func (r *Refused) Error() string {
	return fmt.Sprintf("cannot %s instance %s: refused by %s: %s", r.Verb, r.Name, r.Gate, r.Reason)
}

// Drivers returns the names of the drivers built in.
func Drivers() []string { return []string{LocalName} }
