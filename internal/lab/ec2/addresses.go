package ec2

import (
	"net/netip"
	"slices"
)

// elastic is a public address that can be moved between instances.
type elastic struct {
	Allocation  string     `json:"allocation"`
	Seq         uint64     `json:"seq"`
	Public      netip.Addr `json:"public"`
	Association string     `json:"association,omitempty"`
	Interface   string     `json:"interface,omitempty"`
	Private     netip.Addr `json:"private,omitzero"`
}

// free is the address when nobody has it.
func (e elastic) free() elastic {
	e.Association, e.Interface, e.Private = "", "", netip.Addr{}
	return e
}

// elasticOf is the public address of a private one.
func (s *state) elasticOf(nic string, private netip.Addr) (elastic, bool) {
	for _, e := range s.Elastic {
		if e.Interface == nic && e.Private == private {
			return e, true
		}
	}
	return elastic{}, false
}

type allocateReply struct {
	head
	Public     string `xml:"publicIp"`
	Domain     string `xml:"domain"`
	Allocation string `xml:"allocationId"`
}

func allocateAddress(s *state, c call) (reply, *Error) {
	tags, err := specifiedTags(c.params, "elastic-ip")
	if err != nil {
		return nil, err
	}
	taken := map[netip.Addr]bool{}
	for _, e := range s.Elastic {
		taken[e.Public] = true
	}
	a := s.Place.Public.Masked().Addr().Next()
	for taken[a] {
		a = a.Next()
	}
	if !s.Place.Public.Contains(a.Next()) {
		return nil, refuse("AddressLimitExceeded", "The maximum number of addresses has been reached.")
	}
	e := elastic{Allocation: s.newID("eipalloc"), Public: a}
	e.Seq = s.Made
	s.Elastic[e.Allocation] = e
	for _, t := range tags {
		s.setTag(e.Allocation, t)
	}
	return &allocateReply{Public: a.String(), Domain: "vpc", Allocation: e.Allocation}, nil
}

// findElastic finds the address by AllocationId or by PublicIp.
func (s *state) findElastic(c call) (elastic, *Error) {
	if id := c.params["AllocationId"]; id != "" {
		e, ok := s.Elastic[id]
		if !ok {
			return e, refuse("InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist", id)
		}
		return e, nil
	}
	public, err := c.need("PublicIp")
	if err != nil {
		return elastic{}, missing("AllocationId")
	}
	for _, e := range s.Elastic {
		if e.Public.String() == public {
			return e, nil
		}
	}
	return elastic{}, refuse("InvalidAddress.NotFound", "Address '%s' not found.", public)
}

func releaseAddress(s *state, c call) (reply, *Error) {
	e, err := s.findElastic(c)
	if err != nil {
		return nil, err
	}
	if e.Association != "" {
		return nil, refuse("InvalidIPAddress.InUse", "Address %s is in use.", e.Public)
	}
	delete(s.Elastic, e.Allocation)
	delete(s.Tags, e.Allocation)
	return &done{Return: true}, nil
}

type associateReply struct {
	head
	Return      bool   `xml:"return"`
	Association string `xml:"associationId"`
}

func associateAddress(s *state, c call) (reply, *Error) {
	e, err := s.findElastic(c)
	if err != nil {
		return nil, err
	}
	n, private, err := s.associationTarget(c)
	if err != nil {
		return nil, err
	}
	if e.Interface == n.ID && e.Private == private {
		return &associateReply{Return: true, Association: e.Association}, nil
	}
	// Only an explicit "false" keeps an address where it is: that is the default in a VPC.
	if e.Association != "" && c.params["AllowReassociation"] == "false" {
		return nil, refuse("Resource.AlreadyAssociated", "resource %s is already associated with associate-id %s",
			e.Allocation, e.Association)
	}
	if other, ok := s.elasticOf(n.ID, private); ok {
		if c.params["AllowReassociation"] == "false" {
			return nil, refuse("Resource.AlreadyAssociated", "resource %s is already associated with associate-id %s",
				n.ID, other.Association)
		}
		s.Elastic[other.Allocation] = other.free()
	}
	e.Association, e.Interface, e.Private = s.newID("eipassoc"), n.ID, private
	s.Elastic[e.Allocation] = e
	return &associateReply{Return: true, Association: e.Association}, nil
}

// associationTarget is the interface and the private address a request names.
func (s *state) associationTarget(c call) (netInterface, netip.Addr, *Error) {
	id := c.params["NetworkInterfaceId"]
	if instance := c.params["InstanceId"]; instance != "" {
		i, err := s.instanceByID(c, instance)
		if err != nil {
			return netInterface{}, netip.Addr{}, err
		}
		if len(i.Interfaces) == 0 || i.Power == pending {
			return netInterface{}, netip.Addr{}, refuse("InvalidInstanceID",
				"The instance '%s' is not in a valid state for this operation.", instance)
		}
		id = i.Interfaces[0]
	}
	if id == "" {
		return netInterface{}, netip.Addr{}, refuse("MissingParameter", "Either 'instanceId' or 'networkInterfaceId' must be specified.")
	}
	n, err := s.interfaceByID(id)
	if err != nil {
		return n, netip.Addr{}, err
	}
	private := n.Addresses[0]
	if text := c.params["PrivateIpAddress"]; text != "" {
		at := slices.IndexFunc(n.Addresses, func(a netip.Addr) bool { return a.String() == text })
		if at < 0 {
			return n, private, refuse("InvalidParameterValue", "The private IP address %s is not assigned to %s", text, n.ID)
		}
		private = n.Addresses[at]
	}
	return n, private, nil
}

func disassociateAddress(s *state, c call) (reply, *Error) {
	if id := c.params["AssociationId"]; id != "" {
		for key, e := range s.Elastic {
			if e.Association == id {
				s.Elastic[key] = e.free()
				return &done{Return: true}, nil
			}
		}
		return nil, refuse("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", id)
	}
	if c.params["PublicIp"] == "" {
		return nil, missing("AssociationId")
	}
	e, err := s.findElastic(c)
	if err != nil {
		return nil, err
	}
	s.Elastic[e.Allocation] = e.free()
	return &done{Return: true}, nil
}
