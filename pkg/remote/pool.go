package remote

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Options bound a Pool.
type Options struct {
	// Width is how many logins may compute at once, over all machines; default 64.
	// Connecting is not bounded: a dead address holds nobody else up. The caller
	// bounds how many machines it reaches for at once by what it has of file
	// descriptors.
	Width int
	// KeepAlive is how often an open connection is asked for a sign of life, and how
	// long that may take; default 15 s.
	KeepAlive time.Duration
}

// Pool keeps one connection a machine and way of logging in. It is safe for
// concurrent use.
type Pool struct {
	slots     chan struct{}
	keepAlive time.Duration
	configs   configs
	keyrings  keyrings
	hostKeys  hostKeySets

	mu      sync.Mutex
	closed  bool
	entries map[string]*entry
}

const (
	defaultWidth     = 64
	defaultKeepAlive = 15 * time.Second
)

// NewPool returns an empty pool.
func NewPool(o Options) *Pool {
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	if o.KeepAlive <= 0 {
		o.KeepAlive = defaultKeepAlive
	}
	return &Pool{
		slots:     make(chan struct{}, o.Width),
		keepAlive: o.KeepAlive,
		configs:   configs{parsed: map[string]*sshConfig{}},
		keyrings:  keyrings{slots: map[string]*keyringSlot{}},
		hostKeys:  hostKeySets{sets: map[string]*hostKeys{}},
		entries:   map[string]*entry{},
	}
}

// Host returns the way to one machine. Nothing is connected or looked up yet; s
// must not change any more.
func (p *Pool) Host(s *Settings, m Machine) *Host {
	return &Host{pool: p, settings: s, machine: m}
}

// errClosed is the error of using a pool after Close.
var errClosed = errors.New("the pool of connections is closed")

// Close ends all connections and everything that uses them. It never fails.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, e := range p.entries {
		e.mu.Lock()
		if e.flight != nil {
			e.flight.cancel()
		}
		if e.conn != nil {
			e.conn.retire()
			e.conn.kill()
		}
		e.mu.Unlock()
	}
	return nil
}

// entry is the place of one connection.
type entry struct {
	mu     sync.Mutex
	conn   *connection // the last one; it may have ended
	flight *flight     // the login in progress
}

// flight is one login that several may wait for.
type flight struct {
	done    chan struct{}
	conn    *connection
	err     error
	track   tracker
	cancel  context.CancelFunc
	waiters int // under the entry's mu; without any left the login is cancelled
}

func (p *Pool) entry(key string) (*entry, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	e, ok := p.entries[key]
	if !ok {
		e = &entry{}
		p.entries[key] = e
	}
	return e, nil
}

// get returns the connection to t, logging in where there is none, and adds a user
// to it; reused tells that it was open before. Who comes during a login waits for
// that one.
func (p *Pool) get(ctx context.Context, t *target, timeout time.Duration) (c *connection, reused bool, err error) {
	e, err := p.entry(t.key())
	if err != nil {
		return nil, false, err
	}
	e.mu.Lock()
	if e.conn != nil && e.conn.acquire() {
		c = e.conn
		e.mu.Unlock()
		return c, true, nil
	}
	f := e.flight
	if f == nil {
		f = p.fly(ctx, e, t, timeout)
	}
	f.waiters++
	e.mu.Unlock()
	if err := e.wait(ctx, f); err != nil {
		return nil, false, err
	}
	if !f.conn.acquire() {
		return nil, false, &Error{Stage: StageSession, Err: fmt.Errorf("right after the login: %w", errDead)}
	}
	return f.conn, false, nil
}

// wait waits for a login that others may share.
func (e *entry) wait(ctx context.Context, f *flight) error {
	var err error
	select {
	case <-f.done:
		err = f.err
	case <-ctx.Done():
		err = f.track.late(ctx.Err())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.cancel()
		if e.flight == f {
			e.flight = nil // who comes now must not join a login that is given up
		}
	}
	return err
}

// fly starts a login for all who wait. It belongs to none of them: the first may
// give up while the others still want it. It is called under e.mu.
func (p *Pool) fly(ctx context.Context, e *entry, t *target, timeout time.Duration) *flight {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{done: make(chan struct{}), cancel: cancel}
	e.flight = f
	go func() {
		defer cancel()
		f.conn, f.err = p.dial(ctx, t, timeout, &f.track)
		e.mu.Lock()
		if e.flight == f {
			e.flight = nil
		}
		if f.err == nil {
			e.conn = f.conn
		}
		e.mu.Unlock()
		if _, err := p.entry(t.key()); err != nil && f.err == nil {
			f.conn.kill() // Close came while the login ended
		}
		close(f.done)
	}()
	return f
}
