package ec2

import (
	"context"
	"time"
)

// drive starts the driver of every instance whose state is on its way, unless it has one.
// Call it locked.
func (s *Server) drive() {
	if s.ctx.Err() != nil {
		return
	}
	for id, i := range s.state.Instances {
		if !i.Power.moving() || s.driven[id] {
			continue
		}
		s.driven[id] = true
		s.drivers.Go(func() { s.driver(id) })
	}
}

// driver moves one instance until its state stands still, the endpoint ends, or it is
// stuck on purpose.
func (s *Server) driver(id string) {
	for {
		s.mu.Lock()
		i := s.state.Instances[id]
		stuck := i.Power == pending && s.dice.faults.StuckPending
		if !i.Power.moving() || stuck || s.ctx.Err() != nil {
			delete(s.driven, id)
			s.mu.Unlock()
			return
		}
		m := s.state.machine(i, s.options.Images)
		s.mu.Unlock()
		if err := s.arrived(i, s.move(s.ctx, i, m)); err != nil {
			s.log("%s is %s: %v", i.ID, i.Power, err)
			s.pause()
		}
	}
}

// move does to the machine what the state is on its way to.
func (s *Server) move(ctx context.Context, i instance, m Machine) error {
	if i.Machine == "" {
		return nil
	}
	switch i.Power {
	case pending:
		return s.options.Machines.Boot(ctx, m)
	case stopping:
		return s.options.Machines.Halt(ctx, m.Name, i.Force)
	default:
		return s.options.Machines.Remove(ctx, m.Name)
	}
}

// arrived records the end of a move and returns what keeps it from being the end. A
// failure on the way down is tried again, for there is no state to fall back to.
func (s *Server) arrived(i instance, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return nil
	}
	next := s.state.clone()
	switch {
	case err == nil:
		next.arrive(call{now: time.Now()}, i.ID, i.Power)
	case i.Power == pending:
		s.log("%s did not start: %v", i.ID, err)
		next.fail(i.ID, !i.Booted, err.Error())
	default:
		return err
	}
	return s.commit(s.ctx, next)
}

// pause lets some time pass before the next try, unless the server ends.
func (s *Server) pause() {
	select {
	case <-time.After(time.Second):
	case <-s.ctx.Done():
	}
}
