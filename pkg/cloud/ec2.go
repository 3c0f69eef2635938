package cloud

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// EC2Name is the name of the EC2 driver in the configuration.
const EC2Name = "EC2"

// The gates at which EC2 refuses.
const (
	GateInUse      = "ip-in-use"       // another instance has the machine's ip
	GateIncomplete = "no-launch-plan"  // the configuration does not say what to launch
	GateNotOurs    = "not-our-address" // an address that the configuration has no part in
)

// Settling is how long an instance that was launched may be missing from the
// API's answers, which are only consistent in the end, and counts as pending all
// the same.
const Settling = 5 * time.Minute

// EC2Options say which account and place the machines of a cluster are in, and
// what they are launched as.
type EC2Options struct {
	Cluster  string
	Machines []Machine

	// Endpoint, Profile and Region override what the SDK finds in its
	// environment and files; without a Region a Zone names it. AccessKey and
	// Secret are used only where both are given, else the SDK's chain.
	Endpoint, Profile, Region, Zone string
	AccessKey                       string
	Secret                          func() string

	// VPC and Subnet say which instances at the configured addresses are meant:
	// private addresses are unique within one only.
	VPC, Subnet string

	Image, InstanceType, KeyPair string
	SecurityGroups               []string // ids, or names in the VPC

	Documents Documents // keeps the journal of launches
}

// EC2 is the driver of machines at Amazon, or at whoever speaks the same API.
// The cluster owns the instances at its configured addresses in its VPC or
// subnet, but for those that are tagged as another cluster's; all others are
// never shown and never touched.
type EC2 struct {
	o      EC2Options
	byName map[string]Machine
	calls  atomic.Int64 // not taken yet

	mu     sync.Mutex
	client *calls // made when it is first needed
}

var (
	_ Driver    = (*EC2)(nil)
	_ Addresses = (*EC2)(nil)
)

// NewEC2 returns the driver. Nothing is read or contacted yet.
func NewEC2(o EC2Options) *EC2 {
	e := &EC2{o: o, byName: make(map[string]Machine, len(o.Machines))}
	for _, m := range o.Machines {
		e.byName[m.Name] = m
	}
	return e
}

// Name returns EC2Name.
func (e *EC2) Name() string { return EC2Name }

// Scope is a word that changes with what the driver lists: the machines, the
// place and the account's own settings.
func (e *EC2) Scope() string {
	b, _ := json.Marshal([]any{ // plain values always marshal
		e.o.Machines, e.o.Endpoint, e.o.Profile, e.o.Region, e.o.Zone, e.o.AccessKey, e.o.VPC, e.o.Subnet,
	})
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// Take returns how many calls of the API were made since the last Take.
func (e *EC2) Take() int { return int(e.calls.Swap(0)) }

func (e *EC2) machine(verb, name string) (Machine, error) {
	m, ok := e.byName[name]
	if !ok {
		return m, unknownMachine(verb, name)
	}
	return m, nil
}

// nameAt returns the configured name of the machine with that address.
func (e *EC2) nameAt(ip netip.Addr) string {
	for _, m := range e.o.Machines {
		if m.IP == ip {
			return m.Name
		}
	}
	return ""
}

// region is the one configured, else that of the zone, else the SDK's own.
func (o EC2Options) region() string {
	if o.Zone == "" {
		return o.Region
	}
	return cmp.Or(o.Region, o.Zone[:len(o.Zone)-1])
}
