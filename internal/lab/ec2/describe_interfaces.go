package ec2

import (
	"net/netip"
	"strconv"
)

type nicItem struct {
	ID          string           `xml:"networkInterfaceId"`
	Subnet      string           `xml:"subnetId"`
	VPC         string           `xml:"vpcId"`
	Zone        string           `xml:"availabilityZone"`
	Description string           `xml:"description"`
	Owner       string           `xml:"ownerId"`
	Managed     bool             `xml:"requesterManaged"`
	Status      string           `xml:"status"`
	MAC         string           `xml:"macAddress"`
	Private     string           `xml:"privateIpAddress"`
	DNS         string           `xml:"privateDnsName"`
	SourceCheck bool             `xml:"sourceDestCheck"`
	Type        string           `xml:"interfaceType"`
	Groups      set[groupItem]   `xml:"groupSet"`
	Attachment  *attachmentItem  `xml:"attachment,omitempty"`
	Association *publicItem      `xml:"association,omitempty"`
	Tags        set[tag]         `xml:"tagSet"`
	Addresses   set[privateItem] `xml:"privateIpAddressesSet"`
	seq         uint64
}

type attachmentItem struct {
	ID       string `xml:"attachmentId"`
	Instance string `xml:"instanceId"`
	Owner    string `xml:"instanceOwnerId"`
	Device   int    `xml:"deviceIndex"`
	Status   string `xml:"status"`
	At       string `xml:"attachTime"`
	Dies     bool   `xml:"deleteOnTermination"`
}

type publicItem struct {
	Public      string `xml:"publicIp"`
	DNS         string `xml:"publicDnsName"`
	Owner       string `xml:"ipOwnerId"`
	Allocation  string `xml:"allocationId"`
	Association string `xml:"associationId"`
}

type privateItem struct {
	Private     string      `xml:"privateIpAddress"`
	DNS         string      `xml:"privateDnsName"`
	Primary     bool        `xml:"primary"`
	Association *publicItem `xml:"association,omitempty"`
}

func (s *state) describeInterface(n netInterface, tags []tag) nicItem {
	item := nicItem{
		ID: n.ID, Subnet: n.Subnet, VPC: n.VPC, Zone: zone, Description: n.Description, Owner: account,
		Status: "available", MAC: n.MAC, Private: n.Addresses[0].String(), DNS: dnsName("ip", n.Addresses[0]),
		SourceCheck: true, Type: "interface", Groups: groupItems(n.Groups), Tags: set[tag]{tags}, seq: n.Seq,
	}
	if a := n.Attachment; a.ID != "" {
		item.Status = "in-use"
		item.Attachment = &attachmentItem{a.ID, a.Instance, account, a.Device, "attached", stamp(a.At), a.Dies}
	}
	for at, a := range n.Addresses {
		p := privateItem{Private: a.String(), DNS: dnsName("ip", a), Primary: at == 0, Association: s.publicItem(n.ID, a)}
		item.Addresses.Items = append(item.Addresses.Items, p)
	}
	item.Association = item.Addresses.Items[0].Association
	return item
}

func (s *state) publicItem(nic string, private netip.Addr) *publicItem {
	e, ok := s.elasticOf(nic, private)
	if !ok {
		return nil
	}
	return &publicItem{e.Public.String(), dnsName("ec2", e.Public), account, e.Allocation, e.Association}
}

type describeNetworkInterfacesReply struct {
	head
	Interfaces set[nicItem] `xml:"networkInterfaceSet"`
	Next       string       `xml:"nextToken,omitempty"`
}

func describeNetworkInterfaces(s *state, c call) (reply, *Error) {
	filters, err := readFilters(c.params)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, id := range c.list("NetworkInterfaceId") {
		if _, err := s.interfaceByID(id); err != nil {
			return nil, err
		}
		wanted[id] = true
	}
	var items []nicItem
	for _, n := range inOrder(s.Interfaces, func(n netInterface) uint64 { return n.Seq }) {
		if len(wanted) == 0 || wanted[n.ID] {
			items = append(items, s.describeInterface(n, s.visibleTags(c, n.ID)))
		}
	}
	if items, err = chosen(items, filters, nicFields); err != nil {
		return nil, err
	}
	page, next, err := pageOf(c.params, items, 5, func(n nicItem) uint64 { return n.seq })
	return &describeNetworkInterfacesReply{Interfaces: set[nicItem]{page}, Next: next}, err
}

func nicFields(n nicItem) fields {
	return func(name string) ([]string, bool) {
		switch name {
		case "network-interface-id":
			return []string{n.ID}, true
		case "status":
			return []string{n.Status}, true
		case "subnet-id":
			return []string{n.Subnet}, true
		case "vpc-id":
			return []string{n.VPC}, true
		case "mac-address":
			return []string{n.MAC}, true
		case "description":
			return []string{n.Description}, true
		case "private-ip-address":
			return []string{n.Private}, true
		case "availability-zone":
			return []string{zone}, true
		case "addresses.private-ip-address", "addresses.primary", "addresses.association.public-ip":
			return n.addressField(name), true
		case "group-id":
			var ids []string
			for _, g := range n.Groups.Items {
				ids = append(ids, g.ID)
			}
			return ids, true
		}
		if values, ok := n.attachmentField(name); ok {
			return values, true
		}
		return tagFields(n.Tags.Items, name)
	}
}

func (n nicItem) addressField(name string) []string {
	var values []string
	for _, a := range n.Addresses.Items {
		switch {
		case name == "addresses.private-ip-address":
			values = append(values, a.Private)
		case name == "addresses.primary":
			values = append(values, strconv.FormatBool(a.Primary))
		case a.Association != nil:
			values = append(values, a.Association.Public)
		}
	}
	return values
}

func (n nicItem) attachmentField(name string) (values []string, ok bool) {
	a := n.Attachment
	if a == nil {
		a = &attachmentItem{}
	}
	switch name {
	case "attachment.attachment-id":
		return given(a.ID), true
	case "attachment.instance-id":
		return given(a.Instance), true
	case "attachment.status":
		return given(a.Status), true
	case "attachment.device-index":
		if n.Attachment == nil {
			return nil, true
		}
		return []string{strconv.Itoa(a.Device)}, true
	}
	return nil, false
}
