package remote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"
)

// session is one SSH session channel. It holds a place at the gate and a use of
// its connection until both ends have closed it: sshd counts it that long.
type session struct {
	conn    *connection
	channel ssh.Channel
	ended   chan struct{} // closed when the far end has closed the channel
	status  *uint32       // the command's exit status; valid after ended
	signal  string        // the signal that killed it; valid after ended
}

// open opens a session. The error is errDead or errNoAnswer where the connection
// is bad, an *Error where the server refuses.
func (c *connection) open(ctx context.Context, limit time.Duration) (*session, error) {
	for {
		if err := c.gate.enter(ctx, c.done); err != nil {
			return nil, err
		}
		s, err := c.openOnce(ctx, limit)
		var refused *ssh.OpenChannelError
		if errors.As(err, &refused) {
			if c.gate.refused() {
				continue // one of ours must end first
			}
			return nil, &Error{Stage: StageSession, Err: fmt.Errorf("logged in, but the server opens no session: %w", err)}
		}
		return s, err
	}
}

// openOnce opens a session at a place of the gate. That stays taken where the
// server refuses, for open to give back, and until the server answers where we
// cannot wait that long.
func (c *connection) openOnce(ctx context.Context, limit time.Duration) (*session, error) {
	var (
		channel  ssh.Channel
		requests <-chan *ssh.Request
		failure  error
	)
	done := make(chan struct{})
	go func() {
		defer close(done)
		channel, requests, failure = c.client.OpenChannel("session", nil)
	}()
	err := c.until(ctx, done, limit)
	if err != nil {
		go func() {
			<-done
			if failure == nil {
				c.begin(channel, requests).close()
				return
			}
			c.gate.leave()
		}()
		return nil, err
	}
	var refused *ssh.OpenChannelError
	switch {
	case errors.As(failure, &refused):
		return nil, failure
	case failure != nil:
		c.gate.leave()
		return nil, errDead
	}
	return c.begin(channel, requests), nil
}

// begin watches over a channel that the server has opened.
func (c *connection) begin(channel ssh.Channel, requests <-chan *ssh.Request) *session {
	s := &session{conn: c, channel: channel, ended: make(chan struct{})}
	c.mu.Lock()
	c.users++
	c.mu.Unlock()
	go func() {
		s.watch(requests)
		close(s.ended)
		c.gate.leave()
		c.release()
	}()
	return s
}

// watch takes what the server tells about the command until the channel ends.
func (s *session) watch(requests <-chan *ssh.Request) {
	for r := range requests {
		switch r.Type {
		case "exit-status":
			var m struct{ Status uint32 }
			if ssh.Unmarshal(r.Payload, &m) == nil {
				s.status = &m.Status
			}
		case "exit-signal":
			var m struct {
				Signal     string
				CoreDumped bool
				Message    string
				Language   string
			}
			if ssh.Unmarshal(r.Payload, &m) == nil {
				s.signal = m.Signal
			}
		}
		if r.WantReply {
			_ = r.Reply(false, nil)
		}
	}
}

// close closes our end. It does not wait: to a machine that hangs even the goodbye
// may not get out.
func (s *session) close() { go func() { _ = s.channel.Close() }() }

// start executes a command. Its error is errNoAnswer or errDead or the context's,
// all after the request has gone out, or an *Error where the server refuses.
func (s *session) start(ctx context.Context, command string, limit time.Duration) error {
	var (
		accepted bool
		failure  error
	)
	done := make(chan struct{})
	go func() {
		defer close(done)
		accepted, failure = s.channel.SendRequest("exec", true, ssh.Marshal(struct{ Command string }{command}))
	}()
	if err := s.conn.until(ctx, done, limit); err != nil {
		return err
	}
	if failure != nil {
		return errDead
	}
	if !accepted {
		return &Error{Stage: StageSession, Err: errors.New("logged in, but the server executes no command for us")}
	}
	return nil
}

// abort asks the server to end the command and closes the session.
func (s *session) abort() {
	go func() {
		_, _ = s.channel.SendRequest("signal", false, ssh.Marshal(struct{ Signal string }{string(ssh.SIGTERM)}))
		_ = s.channel.Close()
	}()
}
