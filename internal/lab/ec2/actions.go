package ec2

// actions is everything the endpoint can do.
func actions() map[string]action {
	all := map[string]action{}
	for name, do := range map[string]func(*state, call) (reply, *Error){
		"DescribeInstances":         describeInstances,
		"DescribeInstanceStatus":    describeInstanceStatus,
		"GetConsoleOutput":          getConsoleOutput,
		"DescribeTags":              describeTags,
		"DescribeAddresses":         describeAddresses,
		"DescribeNetworkInterfaces": describeNetworkInterfaces,
		"DescribeImages":            describeImages,
		"DescribeSubnets":           describeSubnets,
		"DescribeVpcs":              describeVpcs,
		"DescribeSecurityGroups":    describeSecurityGroups,
		"DescribeRegions":           describeRegions,
		"DescribeAvailabilityZones": describeAvailabilityZones,
	} {
		all[name] = action{do: do}
	}
	for name, do := range map[string]func(*state, call) (reply, *Error){
		"RunInstances":               runInstances,
		"StartInstances":             startInstances,
		"StopInstances":              stopInstances,
		"TerminateInstances":         terminateInstances,
		"CreateTags":                 createTags,
		"DeleteTags":                 deleteTags,
		"AllocateAddress":            allocateAddress,
		"ReleaseAddress":             releaseAddress,
		"AssociateAddress":           associateAddress,
		"DisassociateAddress":        disassociateAddress,
		"CreateNetworkInterface":     createNetworkInterface,
		"DeleteNetworkInterface":     deleteNetworkInterface,
		"AttachNetworkInterface":     attachNetworkInterface,
		"DetachNetworkInterface":     detachNetworkInterface,
		"AssignPrivateIpAddresses":   assignPrivateIPAddresses,
		"UnassignPrivateIpAddresses": unassignPrivateIPAddresses,
	} {
		all[name] = action{do: do, changes: true}
	}
	return all
}

// perform is the whole of a request to the API but its signature: what the state becomes,
// which is the one given unless something changed, and the answer.
func perform(all map[string]action, s *state, c call) (*state, reply, *Error) {
	name := c.params["Action"]
	a, ok := all[name]
	switch {
	case name == "":
		return s, nil, missing("Action")
	case !ok:
		return s, nil, refuse("InvalidAction", "The action %s is not valid for this web service.", name)
	case c.params["Version"] == "":
		return s, nil, missing("Version")
	}
	for key, value := range c.params {
		if !printable(key) || !printable(value) {
			return s, nil, refuse("InvalidParameterValue", "The parameter %q is not valid text.", key)
		}
	}
	next := s
	if a.changes {
		next = s.clone()
	}
	r, err := a.do(next, c)
	switch {
	case err != nil:
		return s, nil, err
	case c.yes("DryRun"):
		return s, nil, refuse("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	}
	return next, r, nil
}
