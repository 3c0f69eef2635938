package remote

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Host is one machine, reached through the pool's connection to it. Its methods
// are safe for concurrent use and return an *Error where the machine could not be
// reached; a wrong configuration, an interruption and what a command or a far
// service did wrong are other errors.
type Host struct {
	pool     *Pool
	settings *Settings
	machine  Machine
}

// ThisHost is the machine that this program runs on.
func ThisHost() *Host { return &Host{machine: Machine{Name: "this machine", Here: true}} }

// Here tells whether it is the machine that this program runs on.
func (h *Host) Here() bool { return h.machine.Here }

// Check logs in, if that has not been done before, opens a session and closes it:
// nothing is executed, so that a slow shell costs nothing.
func (h *Host) Check(ctx context.Context) error {
	if h.machine.Here {
		return nil
	}
	s, label, err := h.session(ctx)
	if err != nil {
		return named(err, label)
	}
	s.close()
	return nil
}

// target looks up where and how the machine is reached, and its name for errors.
func (h *Host) target() (*target, error) {
	config, err := h.pool.configs.load(h.settings.ConfigFile)
	if err != nil {
		return nil, err
	}
	return resolver{settings: h.settings, config: config}.machine(h.machine)
}

// session opens a session, over a new connection where the pooled one has died.
func (h *Host) session(ctx context.Context) (s *session, label string, err error) {
	label, err = h.with(ctx, func(c *connection, limit time.Duration) error {
		s, err = c.open(ctx, limit)
		if errors.Is(err, context.DeadlineExceeded) {
			err = &Error{Stage: StageSession, Err: fmt.Errorf("logged in, but no session was opened in time: %w", err)}
		}
		return err
	})
	return s, label, err
}

// with runs start over the machine's connection. One that was open before may have
// died unnoticed: it gets a third of the time to answer, then the rest goes to a
// new login. Nothing that might have begun at the far end is tried twice: start
// must return errDead or errNoAnswer only while that is certain.
func (h *Host) with(ctx context.Context, start func(c *connection, limit time.Duration) error) (label string, err error) {
	t, err := h.target()
	if err != nil {
		return "", err
	}
	timeout := h.settings.timeout()
	c, reused, err := h.pool.get(ctx, t, timeout)
	if err != nil {
		return t.label(), err
	}
	limit := timeout
	if reused {
		limit = timeout / 3
	}
	err = start(c, limit)
	if reused && (errors.Is(err, errDead) || errors.Is(err, errNoAnswer)) {
		c.retire()
		c.verify(timeout)
		c.release()
		if c, _, err = h.pool.get(ctx, t, timeout-limit); err != nil {
			return t.label(), err
		}
		err = start(c, timeout)
	}
	defer c.release()
	switch {
	case errors.Is(err, errDead), errors.Is(err, errNoAnswer):
		err = &Error{Stage: StageSession, Err: fmt.Errorf("logged in, but: %w", err)}
		c.verify(timeout)
	case errors.Is(err, context.DeadlineExceeded):
		c.verify(timeout)
	}
	return t.label(), err
}
