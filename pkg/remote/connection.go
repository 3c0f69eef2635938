package remote

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// maxSessions is sshd's default MaxSessions. A server that allows fewer is found
// out when it refuses one.
const maxSessions = 10

// idleAfter is how long a connection stays open that nobody uses.
const idleAfter = 5 * time.Minute

// errDead is the error of using a connection that has ended.
var errDead = errors.New("the connection is closed")

// connection is one login, shared by all who talk to the machine.
type connection struct {
	client *ssh.Client
	raw    net.Conn
	gate   *gate
	done   chan struct{} // closed when the transport has ended

	mu      sync.Mutex
	users   int
	retired bool      // no new users; closed when the last one leaves
	left    time.Time // when the last user left
}

// newConnection watches over a client that has logged in.
func newConnection(p *Pool, client *ssh.Client, raw net.Conn) *connection {
	c := &connection{client: client, raw: raw, gate: &gate{limit: maxSessions}, done: make(chan struct{}), left: time.Now()}
	go func() {
		_ = client.Wait()
		close(c.done)
	}()
	go c.keepAlive(p.keepAlive)
	return c
}

// acquire adds a user, unless the connection is not to be used any more.
func (c *connection) acquire() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.retired || !c.alive() {
		return false
	}
	c.users++
	return true
}

func (c *connection) alive() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// release takes a user away.
func (c *connection) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users--
	c.left = time.Now()
	if c.retired && c.users == 0 {
		c.kill()
	}
}

// retire keeps new users away: one that is suspected of being dead, or left over
// when the pool closes.
func (c *connection) retire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retired = true
	if c.users == 0 {
		c.kill()
	}
}

// retireIdle gives up a connection nobody has used for idleAfter: its machine may
// be one that is no longer looked at.
func (c *connection) retireIdle() {
	c.mu.Lock()
	idle := c.users == 0 && time.Since(c.left) > idleAfter
	c.mu.Unlock()
	if idle {
		c.retire()
	}
}

// kill ends the connection at once and with it everything that waits on it. It
// closes the transport only: saying goodbye to a machine that hangs would hang.
func (c *connection) kill() { _ = c.raw.Close() }

// verify ends the connection unless the server answers within limit. It returns at
// once.
func (c *connection) verify(limit time.Duration) {
	go func() {
		if !c.ping(limit) {
			c.kill()
		}
	}()
}

// ping tells whether the server answers within limit. Any answer will do: sshd
// refuses the request, which is one.
func (c *connection) ping(limit time.Duration) bool {
	answered := make(chan bool, 1)
	go func() {
		_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
		answered <- err == nil
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case ok := <-answered:
		return ok
	case <-c.done:
		return false
	case <-timer.C:
		return false
	}
}

// keepAlive asks for a sign of life now and then, so that a command without a
// deadline ends when its machine freezes: the kernel of a frozen process still
// answers TCP's own keepalives.
func (c *connection) keepAlive(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-tick.C:
			c.retireIdle()
			if !c.ping(every) {
				c.kill()
				return
			}
		}
	}
}

// until waits for done, a deadline or the end of the connection, whichever is
// first: nil, errNoAnswer, errDead, or the context's error.
func (c *connection) until(ctx context.Context, done <-chan struct{}, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-timer.C:
		return errNoAnswer
	case <-c.done:
		return errDead
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errNoAnswer is the error of a server that is connected and does not answer.
var errNoAnswer = errors.New("the server does not answer")
