package ec2

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// stateItem is an instance's state by number and name.
type stateItem struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

func stateOf(p power) stateItem { return stateItem{int(p), p.String()} }

type groupItem struct {
	ID   string `xml:"groupId"`
	Name string `xml:"groupName"`
}

// reservationItem is what one RunInstances launched.
type reservationItem struct {
	Reservation string            `xml:"reservationId"`
	Owner       string            `xml:"ownerId"`
	Groups      set[groupItem]    `xml:"groupSet"`
	Instances   set[instanceItem] `xml:"instancesSet"`
}

type instanceItem struct {
	ID             string         `xml:"instanceId"`
	Image          string         `xml:"imageId"`
	State          stateItem      `xml:"instanceState"`
	PrivateDNS     string         `xml:"privateDnsName"`
	PublicDNS      string         `xml:"dnsName"`
	Reason         string         `xml:"reason"`
	Key            string         `xml:"keyName,omitempty"`
	Index          int            `xml:"amiLaunchIndex"`
	Type           string         `xml:"instanceType"`
	Launched       string         `xml:"launchTime"`
	Zone           string         `xml:"placement>availabilityZone"`
	Tenancy        string         `xml:"placement>tenancy"`
	Monitoring     string         `xml:"monitoring>state"`
	Subnet         string         `xml:"subnetId,omitempty"`
	VPC            string         `xml:"vpcId,omitempty"`
	Private        string         `xml:"privateIpAddress,omitempty"`
	Public         string         `xml:"ipAddress,omitempty"`
	SourceCheck    bool           `xml:"sourceDestCheck"`
	Groups         set[groupItem] `xml:"groupSet"`
	Why            *reasonItem    `xml:"stateReason,omitempty"`
	Architecture   string         `xml:"architecture"`
	RootType       string         `xml:"rootDeviceType"`
	RootName       string         `xml:"rootDeviceName"`
	Disks          set[struct{}]  `xml:"blockDeviceMapping"`
	Virtualization string         `xml:"virtualizationType"`
	Token          string         `xml:"clientToken"`
	Tags           set[tag]       `xml:"tagSet"`
	Hypervisor     string         `xml:"hypervisor"`
	Interfaces     set[nicItem]   `xml:"networkInterfaceSet"`
}

type reasonItem struct {
	Code    string `xml:"code"`
	Message string `xml:"message"`
}

// describe tells of an instance as the API does. A terminated one has no network.
func (s *state) describe(i instance, tags []tag) instanceItem {
	item := instanceItem{
		ID: i.ID, Image: i.Image, State: stateOf(i.Power), Key: i.Key, Index: i.Index, Type: i.Type,
		Launched: stamp(i.Launched), Zone: zone, Tenancy: "default", Monitoring: "disabled", SourceCheck: true,
		Architecture: "x86_64", RootType: "ebs", RootName: "/dev/sda1", Virtualization: "hvm", Hypervisor: "xen",
		Token: i.Token, Tags: set[tag]{tags},
	}
	if i.Reason.Code != "" {
		item.Why = &reasonItem{i.Reason.Code, i.Reason.Message}
		if i.Power != pending {
			item.Reason = i.Reason.Message
		}
	}
	nic, ok := s.primary(i)
	if !ok {
		return item
	}
	item.Subnet, item.VPC, item.Groups = nic.Subnet, nic.VPC, groupItems(nic.Groups)
	item.Private = nic.Addresses[0].String()
	item.PrivateDNS = dnsName("ip", nic.Addresses[0])
	if e, ok := s.elasticOf(nic.ID, nic.Addresses[0]); ok {
		item.Public, item.PublicDNS = e.Public.String(), dnsName("ec2", e.Public)
	}
	for _, id := range i.Interfaces {
		item.Interfaces.Items = append(item.Interfaces.Items, s.describeInterface(s.Interfaces[id], s.Tags[id]))
	}
	return item
}

func groupItems(groups []string) set[groupItem] {
	var items set[groupItem]
	for _, g := range groups {
		items.Items = append(items.Items, groupItem{g, "default"})
	}
	return items
}

// dnsName is how the real service names addresses: ip-10-0-0-1.eu-lab-1.compute.internal.
func dnsName(kind string, a netip.Addr) string {
	return fmt.Sprintf("%s-%s.%s.compute.internal", kind, strings.ReplaceAll(a.String(), ".", "-"), Region)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
