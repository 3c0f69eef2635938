package cloud

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

// States of an instance, in the words of the EC2 API and of the documents.
const (
	StatePending      = "pending"
	StateRunning      = "running"
	StateStopping     = "stopping"
	StateStopped      = "stopped"
	StateShuttingDown = "shutting-down"
	StateTerminated   = "terminated"
	// StateAbsent is a configured machine that is not launched; its ID is its name.
	StateAbsent = "absent"
)

// Machine is a machine as the configuration names it.
type Machine struct {
	Name string
	IP   netip.Addr
}

// Instance is a machine as its provider tells of it.
type Instance struct {
	ID    string     // the provider's id; the configured name for LOCAL and for what is absent
	Name  string     // the name the configuration gives it
	IP    netip.Addr // zero while it has none
	State string     // the provider's state; empty where the provider cannot tell
	// Declared says that State is the operator's word, from the configuration.
	Declared bool
	// Stale says that the provider did not tell of it this time: State is that
	// of Seen, empty where it was never told, and Reason says why.
	Stale  bool
	Seen   time.Time // when the provider told State
	Reason string    // one line
}

// because is the reason as the end of an error; empty where there is none.
func (i Instance) because() string {
	if i.Reason == "" {
		return ""
	}
	return ": " + i.Reason
}

// moving tells whether the state is on its way to another.
func (i Instance) moving() bool {
	return i.State == StatePending || i.State == StateStopping || i.State == StateShuttingDown
}

// ending tells whether the instance is on its way out.
func (i Instance) ending() bool { return i.State == StateShuttingDown || i.State == StateTerminated }

// Listing is the answer to "which machines are there", one entry for each
// configured machine, in their order. Where Complete is false some are Stale.
type Listing struct {
	Instances []Instance
	Complete  bool
	At        time.Time // when the provider was asked; zero where nobody needs to be asked
	Use       *Use      // of the provider's API; nil where it is not billed
}

// Use is how often a provider's API was called. Retries count.
type Use struct {
	Calls    int // for this listing
	LastHour int // by everybody who shares the cache, to the minute
}

// Driver is one provider of machines. Instances take the configured name. A
// change that is not allowed returns *Refused, one that is not possible in the
// present state *NotNow; a change to what is so already does nothing.
type Driver interface {
	// Name is the driver's name in the configuration.
	Name() string
	// Instances lists the machines the configuration owns. With an error the
	// listing holds what was learned before it.
	Instances(ctx context.Context) (Listing, error)
	// Instance asks for one machine, now.
	Instance(ctx context.Context, name string) (Instance, error)
	Launch(ctx context.Context, name string) (Instance, error)
	Start(ctx context.Context, name string) (Instance, error)
	Stop(ctx context.Context, name string) (Instance, error)
	Terminate(ctx context.Context, name string) (Instance, error)
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

// NotNow is a change that the present state of the instance forbids. Where the
// state is on its way to another it may be possible later.
type NotNow struct {
	Verb     string
	Instance Instance
	Hint     string // what to do
}

// Error names the machine, its state and what to do.
func (n *NotNow) Error() string {
	id := ""
	if n.Instance.ID != n.Instance.Name {
		id = " (" + n.Instance.ID + ")"
	}
	return fmt.Sprintf("cannot %s instance %s%s: it is %s: %s", n.Verb, n.Instance.Name, id, n.Instance.State, n.Hint)
}

// Passing tells whether waiting helps.
func (n *NotNow) Passing() bool { return n.Instance.moving() }

// Documents is where a driver keeps what must outlive it. Get returns nil where
// there is no document. Update applies a pure function to the document, nil
// where there is none, and stores the result unless something changed in
// between; then it starts again. It stores nothing where f returns what it was
// given.
type Documents interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Update(ctx context.Context, key, why string, f func(old []byte) ([]byte, error)) error
}

// Drivers returns the names of the drivers built in.
func Drivers() []string { return []string{LocalName, EC2Name} }
