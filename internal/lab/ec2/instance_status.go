package ec2

type statusItem struct {
	ID       string     `xml:"instanceId"`
	Zone     string     `xml:"availabilityZone"`
	State    stateItem  `xml:"instanceState"`
	System   healthItem `xml:"systemStatus"`
	Instance healthItem `xml:"instanceStatus"`
}

type healthItem struct {
	Status  string          `xml:"status"`
	Details set[detailItem] `xml:"details"`
}

type detailItem struct {
	Name   string `xml:"name"`
	Status string `xml:"status"`
}

type describeInstanceStatusReply struct {
	head
	Statuses set[statusItem] `xml:"instanceStatusSet"`
	Next     string          `xml:"nextToken,omitempty"`
}

// describeInstanceStatus tells whether the machines behind running instances live. One
// whose power was cut behind the API's back is impaired.
func describeInstanceStatus(s *state, c call) (reply, *Error) {
	all := c.yes("IncludeAllInstances")
	listed, next, err := s.listInstances(c, 5, func(i instance) bool { return all || i.Power == running })
	if err != nil {
		return nil, err
	}
	r := &describeInstanceStatusReply{Next: next}
	for _, i := range listed {
		system, inside := health("not-applicable"), health("not-applicable")
		if i.Power == running {
			system, inside = health("ok"), health("ok")
			if i.Machine != "" && !c.alive(i.Machine) {
				inside = health("impaired")
			}
		}
		r.Statuses.Items = append(r.Statuses.Items, statusItem{i.ID, zone, stateOf(i.Power), system, inside})
	}
	return r, nil
}

func health(status string) healthItem {
	h := healthItem{Status: status}
	switch status {
	case "ok":
		h.Details.Items = []detailItem{{"reachability", "passed"}}
	case "impaired":
		h.Details.Items = []detailItem{{"reachability", "failed"}}
	}
	return h
}
