package ec2

import (
	"cmp"
	"net/netip"
	"slices"
)

func (s *state) interfaceByID(id string) (netInterface, *Error) {
	if !goodID("eni", id) {
		return netInterface{}, refuse("InvalidNetworkInterfaceId.Malformed", "Invalid id: \"%s\"", id)
	}
	n, ok := s.Interfaces[id]
	if !ok {
		return n, refuse("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist", id)
	}
	return n, nil
}

type createInterfaceReply struct {
	head
	Interface nicItem `xml:"networkInterface"`
}

func createNetworkInterface(s *state, c call) (reply, *Error) {
	subnet, err := c.need("SubnetId")
	if err != nil {
		return nil, err
	}
	if err := s.knowSubnet(subnet); err != nil {
		return nil, err
	}
	groups, err := s.readGroups(c.params)
	if err != nil {
		return nil, err
	}
	addresses, more, err := s.readAddresses(c.params)
	if err != nil {
		return nil, err
	}
	tags, err := specifiedTags(c.params, "network-interface")
	if err != nil {
		return nil, err
	}
	n, err := s.newInterface(addresses, more, groups, c.params["Description"])
	if err != nil {
		return nil, err
	}
	s.Interfaces[n.ID] = n
	for _, t := range tags {
		s.setTag(n.ID, t)
	}
	return &createInterfaceReply{Interface: s.describeInterface(n, s.Tags[n.ID])}, nil
}

func deleteNetworkInterface(s *state, c call) (reply, *Error) {
	n, err := s.interfaceByID(c.params["NetworkInterfaceId"])
	if err != nil {
		return nil, err
	}
	if n.Attachment.ID != "" {
		return nil, refuse("InvalidParameterValue", "Network interface '%s' is currently in use.", n.ID)
	}
	for key, e := range s.Elastic {
		if e.Interface == n.ID {
			s.Elastic[key] = e.free()
		}
	}
	delete(s.Interfaces, n.ID)
	delete(s.Tags, n.ID)
	return &done{Return: true}, nil
}

type attachReply struct {
	head
	Attachment string `xml:"attachmentId"`
}

func attachNetworkInterface(s *state, c call) (reply, *Error) {
	n, err := s.interfaceByID(c.params["NetworkInterfaceId"])
	if err != nil {
		return nil, err
	}
	id, err := c.need("InstanceId")
	if err != nil {
		return nil, err
	}
	i, err := s.instanceByID(c, id)
	if err != nil {
		return nil, err
	}
	if _, err := c.need("DeviceIndex"); err != nil {
		return nil, err
	}
	device, err := c.integer("DeviceIndex", 0)
	if err != nil {
		return nil, err
	}
	switch {
	case n.Attachment.ID != "":
		return nil, refuse("InvalidNetworkInterface.InUse", "Interface: [%s] in use.", n.ID)
	case i.Power != running && i.Power != stopped:
		return nil, refuse("IncorrectState", "Instance '%s' is not in a valid state for this operation.", i.ID)
	case device < 0 || device > 14:
		return nil, refuse("AttachmentLimitExceeded", "Interface count %d exceeds the limit for %s", device, i.Type)
	case slices.ContainsFunc(i.Interfaces, func(id string) bool { return s.Interfaces[id].Attachment.Device == device }):
		return nil, refuse("InvalidParameterValue", "Instance '%s' already has an interface attached at device index '%d'.", i.ID, device)
	}
	n.Attachment = attachment{ID: s.newID("eni-attach"), Instance: i.ID, Device: device, At: c.now}
	s.Interfaces[n.ID] = n
	i.Interfaces = append(slices.Clone(i.Interfaces), n.ID)
	slices.SortFunc(i.Interfaces, func(a, b string) int {
		return cmp.Compare(s.Interfaces[a].Attachment.Device, s.Interfaces[b].Attachment.Device)
	})
	s.Instances[i.ID] = i
	return &attachReply{Attachment: n.Attachment.ID}, nil
}

func detachNetworkInterface(s *state, c call) (reply, *Error) {
	id, err := c.need("AttachmentId")
	if err != nil {
		return nil, err
	}
	for _, n := range s.Interfaces {
		if n.Attachment.ID != id {
			continue
		}
		if n.Attachment.Device == 0 {
			return nil, refuse("OperationNotPermitted", "The network interface at device index 0 cannot be detached.")
		}
		s.detach(n)
		return &done{Return: true}, nil
	}
	return nil, refuse("InvalidAttachmentID.NotFound", "The attachment '%s' does not exist.", id)
}

type assignReply struct {
	head
	Interface string            `xml:"networkInterfaceId"`
	Assigned  set[assignedItem] `xml:"assignedPrivateIpAddressesSet"`
	Return    bool              `xml:"return"`
}

type assignedItem struct {
	Private string `xml:"privateIpAddress"`
}

func assignPrivateIPAddresses(s *state, c call) (reply, *Error) {
	n, err := s.interfaceByID(c.params["NetworkInterfaceId"])
	if err != nil {
		return nil, err
	}
	texts := c.list("PrivateIpAddress")
	more, err := c.integer("SecondaryPrivateIpAddressCount", 0)
	switch {
	case err != nil:
		return nil, err
	case (len(texts) > 0) == (more != 0) || more < 0:
		return nil, refuse("InvalidParameterCombination",
			"Either private IP addresses or secondary private IP address count must be specified.")
	case len(n.Addresses)+len(texts)+more > maxAddresses:
		return nil, tooManyAddresses()
	}
	var fresh []netip.Addr
	for _, text := range texts {
		a, err := s.take(text, n, c.yes("AllowReassignment"))
		if err != nil {
			return nil, err
		}
		fresh = append(fresh, a)
	}
	for range more {
		a, err := s.freeAddress(fresh)
		if err != nil {
			return nil, err
		}
		fresh = append(fresh, a)
	}
	r := &assignReply{Interface: n.ID, Return: true}
	n.Addresses = slices.Clone(n.Addresses)
	for _, a := range fresh {
		if !slices.Contains(n.Addresses, a) {
			n.Addresses = append(n.Addresses, a)
		}
		r.Assigned.Items = append(r.Assigned.Items, assignedItem{a.String()})
	}
	s.Interfaces[n.ID] = n
	return r, nil
}

// take frees an address for an interface, from another one where that is allowed.
func (s *state) take(text string, to netInterface, reassign bool) (netip.Addr, *Error) {
	a, err := s.usable(text)
	if err != nil {
		return a, err
	}
	from, taken := s.holder(a)
	switch {
	case !taken || from.ID == to.ID:
		return a, nil
	case from.Addresses[0] == a:
		return a, refuse("InvalidParameterValue", "[%s] is the primary address of another network interface", a)
	case !reassign:
		return a, refuse("InvalidParameterValue", "[%s] is already assigned but reassignment is not allowed", a)
	}
	s.release(from, a)
	return a, nil
}

// release takes a secondary address from its interface, and its elastic address with it.
func (s *state) release(n netInterface, a netip.Addr) {
	n.Addresses = slices.DeleteFunc(slices.Clone(n.Addresses), func(b netip.Addr) bool { return a == b })
	s.Interfaces[n.ID] = n
	if e, ok := s.elasticOf(n.ID, a); ok {
		s.Elastic[e.Allocation] = e.free()
	}
}

func unassignPrivateIPAddresses(s *state, c call) (reply, *Error) {
	n, err := s.interfaceByID(c.params["NetworkInterfaceId"])
	if err != nil {
		return nil, err
	}
	texts := c.list("PrivateIpAddress")
	if len(texts) == 0 {
		return nil, missing("PrivateIpAddress")
	}
	for _, text := range texts {
		n := s.Interfaces[n.ID]
		at := slices.IndexFunc(n.Addresses, func(a netip.Addr) bool { return a.String() == text })
		if at <= 0 {
			return nil, refuse("InvalidParameterValue",
				"Some of the specified addresses are not assigned to interface %s, or are its primary one", n.ID)
		}
		s.release(n, n.Addresses[at])
	}
	return &done{Return: true}, nil
}
