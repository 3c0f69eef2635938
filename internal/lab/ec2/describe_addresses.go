package ec2

type addressItem struct {
	Public      string   `xml:"publicIp"`
	Allocation  string   `xml:"allocationId"`
	Domain      string   `xml:"domain"`
	Instance    string   `xml:"instanceId,omitempty"`
	Association string   `xml:"associationId,omitempty"`
	Interface   string   `xml:"networkInterfaceId,omitempty"`
	Owner       string   `xml:"networkInterfaceOwnerId,omitempty"`
	Private     string   `xml:"privateIpAddress,omitempty"`
	Tags        set[tag] `xml:"tagSet"`
}

type describeAddressesReply struct {
	head
	Addresses set[addressItem] `xml:"addressesSet"`
}

func describeAddresses(s *state, c call) (reply, *Error) {
	filters, err := readFilters(c.params)
	if err != nil {
		return nil, err
	}
	found := inOrder(s.Elastic, func(e elastic) uint64 { return e.Seq })
	if ids, ips := c.list("AllocationId"), c.list("PublicIp"); len(ids)+len(ips) > 0 {
		if found, err = s.namedElastic(c, ids, ips); err != nil {
			return nil, err
		}
	}
	var items []addressItem
	for _, e := range found {
		items = append(items, s.describeElastic(e))
	}
	items, err = chosen(items, filters, addressFields)
	return &describeAddressesReply{Addresses: set[addressItem]{items}}, err
}

func (s *state) namedElastic(c call, ids, ips []string) ([]elastic, *Error) {
	var found []elastic
	ask := func(name, value string) *Error {
		c.params = params{name: value}
		e, err := s.findElastic(c)
		found = append(found, e)
		return err
	}
	for _, id := range ids {
		if err := ask("AllocationId", id); err != nil {
			return nil, err
		}
	}
	for _, ip := range ips {
		if err := ask("PublicIp", ip); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (s *state) describeElastic(e elastic) addressItem {
	item := addressItem{
		Public: e.Public.String(), Allocation: e.Allocation, Domain: "vpc", Tags: set[tag]{s.Tags[e.Allocation]},
	}
	if e.Association != "" {
		item.Association, item.Interface, item.Owner = e.Association, e.Interface, account
		item.Private = e.Private.String()
		item.Instance = s.Interfaces[e.Interface].Attachment.Instance
	}
	return item
}

func addressFields(a addressItem) fields {
	return func(name string) ([]string, bool) {
		switch name {
		case "allocation-id":
			return []string{a.Allocation}, true
		case "association-id":
			return given(a.Association), true
		case "domain":
			return []string{a.Domain}, true
		case "instance-id":
			return given(a.Instance), true
		case "network-interface-id":
			return given(a.Interface), true
		case "private-ip-address":
			return given(a.Private), true
		case "public-ip":
			return []string{a.Public}, true
		}
		return tagFields(a.Tags.Items, name)
	}
}
