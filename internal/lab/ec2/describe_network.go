package ec2

import "strconv"

type subnetItem struct {
	ID        string   `xml:"subnetId"`
	State     string   `xml:"state"`
	VPC       string   `xml:"vpcId"`
	Prefix    string   `xml:"cidrBlock"`
	Available int      `xml:"availableIpAddressCount"`
	Zone      string   `xml:"availabilityZone"`
	Default   bool     `xml:"defaultForAz"`
	Public    bool     `xml:"mapPublicIpOnLaunch"`
	Owner     string   `xml:"ownerId"`
	Tags      set[tag] `xml:"tagSet"`
}

type describeSubnetsReply struct {
	head
	Subnets set[subnetItem] `xml:"subnetSet"`
}

// describeSubnets lists the one subnet.
func describeSubnets(s *state, c call) (reply, *Error) {
	for _, id := range c.list("SubnetId") {
		if err := s.knowSubnet(id); err != nil {
			return nil, err
		}
	}
	free := 251
	for _, n := range s.Interfaces {
		if n.Subnet == s.Place.Subnet {
			free -= len(n.Addresses)
		}
	}
	p := s.Place
	items, err := filtered(c, []subnetItem{{
		p.Subnet, "available", p.VPC, p.Prefix.String(), free, zone, true, false, account, set[tag]{s.Tags[p.Subnet]},
	}}, func(i subnetItem) ([]tag, map[string]string) {
		return i.Tags.Items, map[string]string{
			"subnet-id": i.ID, "vpc-id": i.VPC, "state": i.State, "cidr-block": i.Prefix, "cidr": i.Prefix,
			"availability-zone": i.Zone, "default-for-az": "true",
		}
	})
	return &describeSubnetsReply{Subnets: set[subnetItem]{items}}, err
}

type vpcItem struct {
	ID      string   `xml:"vpcId"`
	State   string   `xml:"state"`
	Prefix  string   `xml:"cidrBlock"`
	Options string   `xml:"dhcpOptionsId"`
	Tenancy string   `xml:"instanceTenancy"`
	Default bool     `xml:"isDefault"`
	Owner   string   `xml:"ownerId"`
	Tags    set[tag] `xml:"tagSet"`
}

type describeVpcsReply struct {
	head
	VPCs set[vpcItem] `xml:"vpcSet"`
}

// describeVpcs lists the one VPC.
func describeVpcs(s *state, c call) (reply, *Error) {
	p := s.Place
	for _, id := range c.list("VpcId") {
		if id != p.VPC {
			return nil, refuse("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", id)
		}
	}
	items, err := filtered(c, []vpcItem{{
		p.VPC, "available", p.Prefix.String(), "default", "default", true, account, set[tag]{s.Tags[p.VPC]},
	}}, func(i vpcItem) ([]tag, map[string]string) {
		return i.Tags.Items, map[string]string{
			"vpc-id": i.ID, "state": i.State, "cidr": i.Prefix, "is-default": strconv.FormatBool(i.Default), "owner-id": i.Owner,
		}
	})
	return &describeVpcsReply{VPCs: set[vpcItem]{items}}, err
}

type securityGroupItem struct {
	Owner       string   `xml:"ownerId"`
	ID          string   `xml:"groupId"`
	Name        string   `xml:"groupName"`
	Description string   `xml:"groupDescription"`
	VPC         string   `xml:"vpcId"`
	Tags        set[tag] `xml:"tagSet"`
}

type describeSecurityGroupsReply struct {
	head
	Groups set[securityGroupItem] `xml:"securityGroupInfo"`
}

// describeSecurityGroups lists the default group; it filters nothing.
func describeSecurityGroups(s *state, c call) (reply, *Error) {
	p := s.Place
	for _, id := range c.list("GroupId") {
		if id != p.Group {
			return nil, refuse("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
		}
	}
	for _, name := range c.list("GroupName") {
		if name != "default" {
			return nil, refuse("InvalidGroup.NotFound", "The security group '%s' does not exist", name)
		}
	}
	items, err := filtered(c, []securityGroupItem{{
		account, p.Group, "default", "lets everything through", p.VPC, set[tag]{s.Tags[p.Group]},
	}}, func(i securityGroupItem) ([]tag, map[string]string) {
		return i.Tags.Items, map[string]string{
			"group-id": i.ID, "group-name": i.Name, "vpc-id": i.VPC, "description": i.Description, "owner-id": i.Owner,
		}
	})
	return &describeSecurityGroupsReply{Groups: set[securityGroupItem]{items}}, err
}

// filtered applies a request's filters to resources that have one value a field.
func filtered[T any](c call, items []T, of func(T) ([]tag, map[string]string)) ([]T, *Error) {
	filters, err := readFilters(c.params)
	if err != nil {
		return nil, err
	}
	return chosen(items, filters, func(item T) fields {
		tags, values := of(item)
		return func(name string) ([]string, bool) {
			if value, ok := values[name]; ok {
				return []string{value}, true
			}
			return tagFields(tags, name)
		}
	})
}
