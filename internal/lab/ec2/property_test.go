package ec2

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// templates are requests with places for what is there: i an instance, n an interface, f
// one that is free, held one with a second address of it,
// a an attachment, e an allocation, s an association, ip an address, t a client token.
const templates = `RunInstances&ImageId=ami-databases&MinCount=1&MaxCount=1&PrivateIpAddress=<ip>&ClientToken=<t>
RunInstances&ImageId=ami-databases&MinCount=1&MaxCount=2&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=m1
StopInstances&InstanceId.1=<i>
StopInstances&InstanceId.1=<i>&InstanceId.2=<i>&Force=true
StartInstances&InstanceId.1=<i>
TerminateInstances&InstanceId.1=<i>
CreateTags&ResourceId.1=<i>&ResourceId.2=<n>&Tag.1.Key=Name&Tag.1.Value=<t>
DeleteTags&ResourceId.1=<i>&Tag.1.Key=Name
AllocateAddress
ReleaseAddress&AllocationId=<e>
AssociateAddress&AllocationId=<e>&InstanceId=<i>
AssociateAddress&AllocationId=<e>&<held>
DisassociateAddress&AssociationId=<s>
CreateNetworkInterface&SubnetId=<subnet>&PrivateIpAddress=<ip>
CreateNetworkInterface&SubnetId=<subnet>&SecondaryPrivateIpAddressCount=2
DeleteNetworkInterface&NetworkInterfaceId=<f>
AttachNetworkInterface&NetworkInterfaceId=<f>&InstanceId=<i>&DeviceIndex=1
AttachNetworkInterface&NetworkInterfaceId=<f>&InstanceId=<i>&DeviceIndex=2
DetachNetworkInterface&AttachmentId=<a>
AssignPrivateIpAddresses&NetworkInterfaceId=<n>&PrivateIpAddress.1=<ip>
AssignPrivateIpAddresses&NetworkInterfaceId=<n>&PrivateIpAddress.1=<ip>&AllowReassignment=true
AssignPrivateIpAddresses&NetworkInterfaceId=<n>&SecondaryPrivateIpAddressCount=1
UnassignPrivateIpAddresses&<held>
DescribeInstances&Filter.1.Name=ip-address&Filter.1.Value.1=*
DescribeNetworkInterfaces&Filter.1.Name=attachment.device-index&Filter.1.Value.1=?
DescribeAddresses
DescribeTags
arrive
fail`

// TestHistories plays random histories that make sense: the state stays sound, tokens
// keep naming what they named, and nothing that is refused changes anything.
func TestHistories(t *testing.T) {
	all := actions()
	lines := strings.Split(templates, "\n")
	succeeded := map[string]int{}
	rapid.Check(t, func(r *rapid.T) {
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		s := newState("seed", netip.MustParsePrefix("10.1.2.0/24"), netip.MustParsePrefix("198.18.2.0/29"))
		s.adopt([]Machine{{"m1", "databases", netip.MustParseAddr("10.1.2.21")}, {"m2", "databases", netip.MustParseAddr("10.1.2.22")}}, now)
		steps := append([]string{"CreateNetworkInterface&SubnetId=<subnet>", "CreateNetworkInterface&SubnetId=<subnet>", "AllocateAddress"},
			rapid.SliceOfN(rapid.SampledFrom(lines), 30, 80).Draw(r, "requests")...)
		for _, line := range steps {
			now = now.Add(time.Minute)
			if line == "arrive" || line == "fail" {
				s = s.clone()
				for _, id := range slices.Sorted(maps.Keys(s.Instances)) {
					if i := s.Instances[id]; line == "fail" {
						s.fail(id, !i.Booted, "no power")
					} else {
						s.arrive(call{now: now}, id, i.Power)
					}
				}
				sound(t, s)
				continue
			}
			form := filled(r, s, line)
			p, refused := parseParams("Version=1&Action=" + form)
			if refused != nil {
				r.Fatal(refused)
			}
			before := kept(t, s)
			next, _, refused := perform(all, s, call{
				params: p, now: now, images: []Image{{Name: "databases"}}, alive: func(string) bool { return true },
			})
			if kept(t, s) != before {
				r.Fatalf("%s changed the state it was given", form)
			}
			if refused == nil {
				succeeded[line]++
			}
			for name, was := range s.Tokens {
				if !slices.Equal(next.Tokens[name].Instances, was.Instances) {
					r.Fatalf("%s: token %s names %v, no longer %v", form, name, next.Tokens[name], was)
				}
			}
			s = next
			sound(t, s)
		}
	})
	for _, line := range lines[:len(lines)-2] {
		if succeeded[line] == 0 {
			t.Errorf("never succeeded: %s", line)
		}
	}
}

// filled puts things that are there into the places of a template.
func filled(r *rapid.T, s *state, line string) string {
	pick := func(place string, from []string, none string) {
		for strings.Contains(line, place) {
			slices.Sort(from)
			line = strings.Replace(line, place, rapid.SampledFrom(append(from, none)[:max(1, len(from))]).Draw(r, place), 1)
		}
	}
	var attachments, associations, held, free []string
	for _, n := range s.Interfaces {
		for _, a := range n.Addresses[1:] {
			held = append(held, "NetworkInterfaceId="+n.ID+"&PrivateIpAddress.1="+a.String()+"&PrivateIpAddress="+a.String())
		}
		switch {
		case n.Attachment.ID == "":
			free = append(free, n.ID)
		case n.Attachment.Device > 0:
			attachments = append(attachments, n.Attachment.ID)
		}
	}
	for _, e := range s.Elastic {
		if e.Association != "" {
			associations = append(associations, e.Association)
		}
	}
	pick("<i>", slices.Collect(maps.Keys(s.Instances)), "i-00000001")
	pick("<n>", slices.Collect(maps.Keys(s.Interfaces)), "eni-00000001")
	pick("<e>", slices.Collect(maps.Keys(s.Elastic)), "eipalloc-00000001")
	pick("<a>", attachments, "eni-attach-00000001")
	pick("<held>", held, "")
	pick("<f>", free, "eni-00000001")
	pick("<s>", associations, "eipassoc-00000001")
	pick("<ip>", []string{"10.1.2.20", "10.1.2.21", "10.1.2.22", "10.1.2.101"}, "")
	pick("<t>", []string{"one", "two"}, "")
	return strings.ReplaceAll(line, "<subnet>", s.Place.Subnet)
}
