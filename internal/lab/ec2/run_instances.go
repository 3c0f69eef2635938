package ec2

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
)

// launch is what a RunInstances request asks for, checked.
type launch struct {
	least, most int
	image       Image
	groups      []string
	addresses   []netip.Addr // of the first interface; empty: free ones
	more        int          // secondary addresses of any value
	tags        []tag
	nicTags     []tag
}

// runInstances launches instances, or returns those that the same request launched.
func runInstances(s *state, c call) (reply, *Error) {
	request := requestHash(c.params)
	if used, ok := s.Tokens[c.params["ClientToken"]]; ok && c.params["ClientToken"] != "" {
		if used.Request != request {
			return nil, refuse("IdempotentParameterMismatch",
				"The arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
		}
		return s.reservationOf(used.Instances), nil
	}
	l, err := s.readLaunch(c)
	if err != nil {
		return nil, err
	}
	reservation := s.newID("r")
	var ids []string
	for n := range l.most {
		i, err := s.launchOne(c, l, reservation, n)
		if err != nil && n >= l.least {
			break
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, i.ID)
	}
	if name := c.params["ClientToken"]; name != "" {
		s.Tokens[name] = token{request, ids}
	}
	return s.reservationOf(ids), nil
}

// requestHash tells requests apart by all that matters to a client token.
func requestHash(p params) string {
	h := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(p)) {
		if key != "DryRun" {
			h.Write([]byte(strconv.Quote(key) + strconv.Quote(p[key])))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// runReply is one reservation.
type runReply struct {
	head
	reservationItem
}

func (s *state) reservationOf(ids []string) reply {
	r := &runReply{}
	for _, id := range ids {
		i := s.Instances[id]
		r.Reservation, r.Owner = i.Reservation, account
		r.Instances.Items = append(r.Instances.Items, s.describe(i, s.Tags[id]))
	}
	return r
}

func (s *state) readLaunch(c call) (launch, *Error) {
	var l launch
	id, err := c.need("ImageId")
	if err != nil {
		return l, err
	}
	at := slices.IndexFunc(c.images, func(i Image) bool { return i.ID() == id })
	if at < 0 {
		return l, refuse("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id)
	}
	l.image = c.images[at]
	if l.least, l.most, err = readCounts(c.params); err != nil {
		return l, err
	}
	if t := c.params["ClientToken"]; len(t) > 64 {
		return l, refuse("InvalidParameterValue", "Value (%s) for parameter clientToken is invalid. It has more than 64 characters.", t)
	}
	if l.tags, err = specifiedTags(c.params, "instance"); err != nil {
		return l, err
	}
	if l.nicTags, err = specifiedTags(c.params, "network-interface"); err != nil {
		return l, err
	}
	return l, s.readLaunchNetwork(c.params, &l)
}

func readCounts(p params) (least, most int, err *Error) {
	for _, name := range []string{"MinCount", "MaxCount"} {
		if _, err := p.need(name); err != nil {
			return 0, 0, err
		}
	}
	if least, err = p.integer("MinCount", 0); err != nil {
		return 0, 0, err
	}
	if most, err = p.integer("MaxCount", 0); err != nil {
		return 0, 0, err
	}
	if least < 1 || most < least {
		return 0, 0, refuse("InvalidParameterValue", "Value (%d) for parameter minCount is invalid.", least)
	}
	if most > 200 {
		return 0, 0, refuse("InstanceLimitExceeded", "You have requested more instances (%d) than your current limit of 200.", most)
	}
	return least, most, nil
}

// readLaunchNetwork reads the network from the request itself or from its first interface.
func (s *state) readLaunchNetwork(p params, l *launch) *Error {
	if nics := p.structures("NetworkInterface"); len(nics) > 0 {
		if len(nics) > 1 {
			return refuse("UnsupportedOperation", "An instance is launched with one network interface here; attach more later.")
		}
		if nics[0]["NetworkInterfaceId"] != "" {
			return refuse("UnsupportedOperation", "An instance cannot be launched with an existing network interface here; attach it later.")
		}
		if p["PrivateIpAddress"] != "" || p["SubnetId"] != "" {
			return refuse("InvalidParameterCombination",
				"Network interfaces and an instance-level subnet ID or private IP address may not be specified on the same request")
		}
		p = nics[0]
	}
	var err *Error
	if l.groups, err = s.readGroups(p); err != nil {
		return err
	}
	if err := s.knowSubnet(p["SubnetId"]); err != nil {
		return err
	}
	if l.addresses, l.more, err = s.readAddresses(p); err != nil {
		return err
	}
	if len(l.addresses) > 0 && l.most > 1 {
		return refuse("InvalidParameterCombination", "You may not specify a private IP address and more than one instance")
	}
	return nil
}

// launchOne adds one instance to the state.
func (s *state) launchOne(c call, l launch, reservation string, index int) (instance, *Error) {
	i := instance{
		ID: s.newID("i"), Reservation: reservation, Index: index,
		Image: l.image.ID(), Type: c.params["InstanceType"], Key: c.params["KeyName"], Token: c.params["ClientToken"],
		Power: pending, Reason: reason{"pending", "pending"}, Launched: c.now,
	}
	i.Seq = s.Made
	if i.Type == "" {
		i.Type = "m1.small"
	}
	i.Machine = s.machineName(i.ID, l.tags)
	nic, err := s.newInterface(l.addresses, l.more, l.groups, "")
	if err != nil {
		return i, err
	}
	nic.Attachment = attachment{ID: s.newID("eni-attach"), Instance: i.ID, At: c.now, Dies: true}
	s.Interfaces[nic.ID] = nic
	i.Interfaces = []string{nic.ID}
	s.Instances[i.ID] = i
	for _, t := range l.tags {
		s.setTag(i.ID, t)
	}
	for _, t := range l.nicTags {
		s.setTag(nic.ID, t)
	}
	return i, nil
}

// machineName is the tag Name where that can be a host's name and no other has it, for it
// is easier to type; else the instance's id.
func (s *state) machineName(id string, tags []tag) string {
	name := tagValue(tags, "Name")
	if !regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`).MatchString(name) || name == "host" {
		return id
	}
	for _, other := range s.Instances {
		if other.live() && other.Machine == name {
			return id
		}
	}
	return name
}
