package ec2

import (
	"slices"
	"strconv"
)

type describeInstancesReply struct {
	head
	Reservations set[reservationItem] `xml:"reservationSet"`
	Next         string               `xml:"nextToken,omitempty"`
}

func describeInstances(s *state, c call) (reply, *Error) {
	listed, next, err := s.listInstances(c, 5, nil)
	if err != nil {
		return nil, err
	}
	r := &describeInstancesReply{Next: next}
	for _, i := range listed {
		at := slices.IndexFunc(r.Reservations.Items, func(r reservationItem) bool { return r.Reservation == i.Reservation })
		if at < 0 {
			at = len(r.Reservations.Items)
			r.Reservations.Items = append(r.Reservations.Items, reservationItem{Reservation: i.Reservation, Owner: account})
		}
		in := &r.Reservations.Items[at].Instances
		in.Items = append(in.Items, s.describe(i, s.visibleTags(c, i.ID)))
	}
	return r, nil
}

// listInstances is one page of the instances asked for, by id or by filters, that keep
// (where given) keeps.
func (s *state) listInstances(c call, least int, keep func(instance) bool) ([]instance, string, *Error) {
	filters, err := readFilters(c.params)
	if err != nil {
		return nil, "", err
	}
	ids := c.list("InstanceId")
	if len(ids) > 0 && c.params["MaxResults"] != "" {
		return nil, "", refuse("InvalidParameterCombination",
			"The parameter instancesSet cannot be used with the parameter maxResults")
	}
	found := inOrder(s.Instances, func(i instance) uint64 { return i.Seq })
	if len(ids) > 0 {
		if found, err = s.instancesByID(c, ids); err != nil {
			return nil, "", err
		}
		slices.SortFunc(found, func(a, b instance) int { return int(a.Seq) - int(b.Seq) }) //nolint:gosec // far below
	}
	found = slices.DeleteFunc(found, func(i instance) bool {
		return !i.listed(c.now) || c.view.hidden[i.ID] || keep != nil && !keep(i)
	})
	found, err = chosen(found, filters, func(i instance) fields { return s.instanceFields(c, i) })
	if err != nil {
		return nil, "", err
	}
	return pageOf(c.params, found, least, func(i instance) uint64 { return i.Seq })
}

// instanceFields answers the filters of DescribeInstances.
func (s *state) instanceFields(c call, i instance) fields {
	nic, _ := s.primary(i)
	var private []string
	for _, id := range i.Interfaces {
		for _, a := range s.Interfaces[id].Addresses {
			private = append(private, a.String())
		}
	}
	return func(name string) ([]string, bool) {
		switch name {
		case "instance-id":
			return []string{i.ID}, true
		case "instance-state-name":
			return []string{i.Power.String()}, true
		case "instance-state-code":
			return []string{strconv.Itoa(int(i.Power))}, true
		case "private-ip-address":
			return private[:min(1, len(private))], true
		case "network-interface.addresses.private-ip-address":
			return private, true
		case "network-interface.network-interface-id":
			return i.Interfaces, true
		case "ip-address":
			return s.publicOf(i), true
		case "vpc-id", "network-interface.vpc-id":
			return given(nic.VPC), true
		case "subnet-id", "network-interface.subnet-id":
			return given(nic.Subnet), true
		case "instance.group-id", "group-id", "network-interface.group-id":
			return nic.Groups, true
		case "image-id":
			return []string{i.Image}, true
		case "instance-type":
			return []string{i.Type}, true
		case "key-name":
			return given(i.Key), true
		case "client-token":
			return given(i.Token), true
		case "reservation-id":
			return []string{i.Reservation}, true
		case "owner-id":
			return []string{account}, true
		case "availability-zone":
			return []string{zone}, true
		case "launch-time":
			return []string{stamp(i.Launched)}, true
		}
		return tagFields(s.visibleTags(c, i.ID), name)
	}
}

// given is the list of a value that may be missing.
func given(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// publicOf are the elastic addresses of an instance.
func (s *state) publicOf(i instance) []string {
	var found []string
	for _, e := range s.Elastic {
		if e.Interface != "" && slices.Contains(i.Interfaces, e.Interface) {
			found = append(found, e.Public.String())
		}
	}
	return found
}
