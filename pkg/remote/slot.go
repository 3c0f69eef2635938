package remote

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// stallAfter is how long a server may keep a login waiting before the login gives
// its slot back. Slots ration computing; a server that hangs in the middle of a
// key exchange computes nothing.
const stallAfter = 500 * time.Millisecond

// slot is one of the pool's places for logins.
type slot struct {
	free func()
	once sync.Once
}

// takeSlot waits for a place.
func (p *Pool) takeSlot(ctx context.Context) (*slot, error) {
	select {
	case p.slots <- struct{}{}:
		return &slot{free: func() { <-p.slots }}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// release gives the place back; the second time does nothing.
func (s *slot) release() { s.once.Do(s.free) }

// slottedConn releases the slot when a read waits too long. It is not taken
// again: the rest of that one login is on top of the width.
type slottedConn struct {
	net.Conn
	slot *slot
	open atomic.Bool // logged in: reads now wait for work, not for a login
}

// Read reads under the slot's watch.
func (c *slottedConn) Read(p []byte) (int, error) {
	if c.open.Load() {
		return c.Conn.Read(p)
	}
	stall := time.AfterFunc(stallAfter, c.slot.release)
	defer stall.Stop()
	return c.Conn.Read(p)
}
