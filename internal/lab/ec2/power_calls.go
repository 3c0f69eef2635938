package ec2

import "slices"

type changeItem struct {
	ID  string    `xml:"instanceId"`
	Now stateItem `xml:"currentState"`
	Was stateItem `xml:"previousState"`
}

type changesReply struct {
	head
	Instances set[changeItem] `xml:"instancesSet"`
}

func startInstances(s *state, c call) (reply, *Error) {
	return s.changePower(c, func(i *instance) *Error {
		switch i.Power {
		case pending, running:
			return nil
		case stopped:
			i.Power, i.Reason, i.Launched = pending, reason{"pending", "pending"}, c.now
			return nil
		}
		return refuse("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be started.", i.ID)
	})
}

func stopInstances(s *state, c call) (reply, *Error) {
	return s.changePower(c, func(i *instance) *Error {
		switch i.Power {
		case stopped:
			return nil
		case stopping:
			i.Force = i.Force || c.yes("Force")
			return nil
		case running:
			i.Power, i.Force = stopping, c.yes("Force")
			i.Reason = reason{"Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"}
			return nil
		}
		return refuse("IncorrectInstanceState", "This instance '%s' is not in a state from which it can be stopped.", i.ID)
	})
}

func terminateInstances(s *state, c call) (reply, *Error) {
	return s.changePower(c, func(i *instance) *Error {
		if i.Power != terminated && i.Power != shuttingDown {
			i.Power = shuttingDown
			i.Reason = reason{"Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"}
		}
		return nil
	})
}

// changePower changes all instances of a request or, when one cannot be, none.
func (s *state) changePower(c call, change func(*instance) *Error) (reply, *Error) {
	ids := c.list("InstanceId")
	if len(ids) == 0 {
		return nil, missing("InstanceId")
	}
	found, err := s.instancesByID(c, ids)
	if err != nil {
		return nil, err
	}
	r := &changesReply{}
	for _, i := range found {
		was := i.Power
		if err := change(&i); err != nil {
			return nil, err
		}
		s.Instances[i.ID] = i
		r.Instances.Items = append(r.Instances.Items, changeItem{i.ID, stateOf(i.Power), stateOf(was)})
	}
	return r, nil
}

// arrive records that an instance got where its state was moving to. One that was
// terminated meanwhile stays on that way.
func (s *state) arrive(c call, id string, from power) {
	i := s.Instances[id]
	if i.Power != from {
		return
	}
	switch from {
	case pending:
		i.Power, i.Booted, i.Reason = running, true, reason{}
	case stopping:
		i.Power, i.Force = stopped, false
	case shuttingDown:
		s.end(c, &i)
	}
	s.Instances[id] = i
}

// fail records that an instance did not start: a new one is gone, an old one stopped.
func (s *state) fail(id string, fresh bool, why string) {
	i := s.Instances[id]
	if i.Power != pending {
		return
	}
	i.Power, i.Reason = stopping, reason{"Server.InternalError", "Server.InternalError: " + why}
	if fresh {
		i.Power = shuttingDown
	}
	s.Instances[id] = i
}

// end gives back what a terminated instance had.
func (s *state) end(c call, i *instance) {
	for _, id := range i.Interfaces {
		n := s.Interfaces[id]
		if !n.Attachment.Dies {
			n.Attachment = attachment{}
			s.Interfaces[id] = n
			continue
		}
		for key, e := range s.Elastic {
			if e.Interface == id {
				s.Elastic[key] = e.free()
			}
		}
		delete(s.Interfaces, id)
		delete(s.Tags, id)
	}
	i.Power, i.Interfaces, i.Ended = terminated, nil, c.now
}

// detach takes an interface from its instance.
func (s *state) detach(n netInterface) {
	i := s.Instances[n.Attachment.Instance]
	i.Interfaces = slices.DeleteFunc(slices.Clone(i.Interfaces), func(id string) bool { return id == n.ID })
	s.Instances[i.ID] = i
	n.Attachment = attachment{}
	s.Interfaces[n.ID] = n
}
