package ec2

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// netInterface is a network card with its private addresses.
type netInterface struct {
	ID          string       `json:"id"`
	Seq         uint64       `json:"seq"`
	MAC         string       `json:"mac"`
	VPC         string       `json:"vpc"`
	Subnet      string       `json:"subnet"`
	Description string       `json:"description,omitempty"`
	Groups      []string     `json:"groups"`
	Addresses   []netip.Addr `json:"addresses"` // the first is the primary
	Attachment  attachment   `json:"attachment,omitzero"`
}

// attachment ties an interface to an instance; zero where it is to none.
type attachment struct {
	ID       string    `json:"id"`
	Instance string    `json:"instance"`
	Device   int       `json:"device"`
	At       time.Time `json:"at"`
	Dies     bool      `json:"dies"` // with the instance
}

// bareInterface makes an interface without an address, which it must get.
func (s *state) bareInterface(groups []string, description string) netInterface {
	n := netInterface{
		ID: s.newID("eni"), VPC: s.Place.VPC, Subnet: s.Place.Subnet, Groups: groups, Description: description,
	}
	n.Seq = s.Made
	n.MAC = fmt.Sprintf("02:ec:%02x:%02x:%02x:%02x", n.Seq>>24&0xff, n.Seq>>16&0xff, n.Seq>>8&0xff, n.Seq&0xff)
	return n
}

// newInterface makes an interface with these addresses, or a free one, and more free ones.
func (s *state) newInterface(addresses []netip.Addr, more int, groups []string, description string) (netInterface, *Error) {
	n := s.bareInterface(groups, description)
	for _, a := range addresses {
		if _, taken := s.holder(a); taken {
			return n, refuse("InvalidIPAddress.InUse", "Address %s is in use.", a)
		}
	}
	n.Addresses = slices.Clone(addresses)
	if len(addresses) == 0 {
		more++
	}
	for range more {
		a, err := s.freeAddress(n.Addresses)
		if err != nil {
			return n, err
		}
		n.Addresses = append(n.Addresses, a)
	}
	return n, nil
}

// holder is the interface in our subnet that has the address.
func (s *state) holder(a netip.Addr) (netInterface, bool) {
	for _, n := range s.Interfaces {
		if n.Subnet == s.Place.Subnet && slices.Contains(n.Addresses, a) {
			return n, true
		}
	}
	return netInterface{}, false
}

// firstFree is where free addresses are looked for, so that low ones stay for those who
// choose theirs.
const firstFree = 101

// freeAddress finds an address nobody has, nor is about to have.
func (s *state) freeAddress(besides []netip.Addr) (netip.Addr, *Error) {
	taken := map[netip.Addr]bool{}
	for _, a := range besides {
		taken[a] = true
	}
	for _, n := range s.Interfaces {
		if n.Subnet == s.Place.Subnet {
			for _, a := range n.Addresses {
				taken[a] = true
			}
		}
	}
	base := s.Place.Prefix.Masked().Addr().As4()
	for step := range 251 {
		base[3] = byte((firstFree-4+step)%251 + 4) //nolint:gosec // below 255
		if a := netip.AddrFrom4(base); !taken[a] {
			return a, nil
		}
	}
	return netip.Addr{}, refuse("InsufficientFreeAddressesInSubnet",
		"There are not enough free addresses in subnet '%s' to satisfy the requested number of instances.", s.Place.Subnet)
}

// usable reads an address of our subnet that a client may have.
func (s *state) usable(text string) (netip.Addr, *Error) {
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is4() {
		return a, refuse("InvalidParameterValue", "Value (%s) for parameter privateIpAddress is invalid. Invalid IPv4 address.", text)
	}
	if !s.Place.Prefix.Contains(a) {
		return a, refuse("InvalidParameterValue", "Address %s does not fall within the subnet's address range", a)
	}
	if last := a.As4()[3]; last < 4 || last == 255 {
		return a, refuse("InvalidParameterValue", "Address %s is in subnet's reserved address range", a)
	}
	return a, nil
}

// readAddresses reads PrivateIpAddress, or PrivateIpAddresses.N with one primary, and
// SecondaryPrivateIpAddressCount.
func (s *state) readAddresses(p params) (addresses []netip.Addr, more int, err *Error) {
	primary := p["PrivateIpAddress"]
	var others []string
	for _, a := range p.structures("PrivateIpAddresses") {
		switch {
		case a.yes("Primary") && primary == "":
			primary = a["PrivateIpAddress"]
		case a.yes("Primary"):
			return nil, 0, refuse("InvalidParameterCombination", "Only one primary private IP address can be specified.")
		default:
			others = append(others, a["PrivateIpAddress"])
		}
	}
	if primary == "" && len(others) > 0 {
		return nil, 0, refuse("InvalidParameterCombination", "One of the private IP addresses must be the primary one.")
	}
	if primary != "" {
		others = append([]string{primary}, others...)
	}
	for _, text := range others {
		a, err := s.usable(text)
		if err != nil {
			return nil, 0, err
		}
		if slices.Contains(addresses, a) {
			return nil, 0, refuse("InvalidParameterValue", "Address %s is given twice", a)
		}
		addresses = append(addresses, a)
	}
	more, err = p.integer("SecondaryPrivateIpAddressCount", 0)
	if err == nil && (more < 0 || more+len(addresses) > maxAddresses) {
		err = tooManyAddresses()
	}
	return addresses, more, err
}

// maxAddresses is how many private addresses one interface can have.
const maxAddresses = 30

func tooManyAddresses() *Error {
	return refuse("PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit of %d.", maxAddresses)
}

// readGroups reads SecurityGroupId.N; without any it is the default one. Any group is
// taken, for nothing is filtered by them.
func (s *state) readGroups(p params) ([]string, *Error) {
	groups := p.list("SecurityGroupId")
	for _, g := range groups {
		if !goodID("sg", g) {
			return nil, refuse("InvalidGroupId.Malformed", "Invalid id: \"%s\" (expecting \"sg-...\")", g)
		}
	}
	if len(groups) == 0 {
		groups = []string{s.Place.Group}
	}
	return groups, nil
}

func (s *state) knowSubnet(id string) *Error {
	if id != "" && id != s.Place.Subnet {
		return refuse("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", id)
	}
	return nil
}
