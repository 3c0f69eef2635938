package ec2

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// adopt makes running instances of machines that were there before the endpoint.
func (s *state) adopt(machines []Machine, now time.Time) {
	for _, m := range machines {
		i := s.addRunning(now, m.Address, s.Place.VPC, s.Place.Subnet)
		i.Machine, i.Image = m.Name, Image{Name: m.Image}.ID()
		s.Instances[i.ID] = i
		s.setTag(i.ID, tag{"Name", m.Name})
	}
}

// addVirtual adds an instance without a machine.
func (s *state) addVirtual(v Virtual, now time.Time) (string, error) {
	if !v.IP.Is4() {
		return "", fmt.Errorf("bad address %s", v.IP)
	}
	vpc, subnet := v.VPC, v.Subnet
	if vpc == "" {
		vpc = "vpc-0123456789abcdef0"
	}
	if subnet == "" {
		subnet = "subnet-0123456789abcdef0"
	}
	if subnet == s.Place.Subnet {
		if _, taken := s.holder(v.IP); taken {
			return "", fmt.Errorf("address %s is in use", v.IP)
		}
	}
	i := s.addRunning(now, v.IP, vpc, subnet)
	if v.State != "" {
		if err := i.become(v.State); err != nil {
			return "", err
		}
	}
	if i.Power == terminated {
		s.end(call{now: now}, &i)
	}
	s.Instances[i.ID] = i
	if v.Name != "" {
		s.setTag(i.ID, tag{"Name", v.Name})
	}
	for _, key := range slices.Sorted(maps.Keys(v.Tags)) {
		s.setTag(i.ID, tag{key, v.Tags[key]})
	}
	return i.ID, nil
}

// become sets a state that stands still, by name.
func (i *instance) become(name string) error {
	for _, p := range []power{running, stopped, terminated} {
		if p.String() == name {
			i.Power = p
			return nil
		}
	}
	return fmt.Errorf("an instance can be added running, stopped or terminated, not %q", name)
}

// addRunning adds an instance with one interface.
func (s *state) addRunning(now time.Time, a netip.Addr, vpc, subnet string) instance {
	n := s.bareInterface([]string{s.Place.Group}, "")
	n.VPC, n.Subnet, n.Addresses = vpc, subnet, []netip.Addr{a}
	i := instance{
		ID: s.newID("i"), Reservation: s.newID("r"), Image: "ami-0123456789abcdef0", Type: "m1.small",
		Power: running, Booted: true, Launched: now, Interfaces: []string{n.ID},
	}
	i.Seq = s.Made
	n.Attachment = attachment{ID: s.newID("eni-attach"), Instance: i.ID, At: now, Dies: true}
	s.Interfaces[n.ID], s.Instances[i.ID] = n, i
	return i
}
