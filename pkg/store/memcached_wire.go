package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// mostIdle is how many connections are kept open for the next calls.
const mostIdle = 8

// wires are the connections to one memcached.
//
// The library knows no contexts, and of a failed request it does not tell
// whether any of it had left. So a wire is a client of the library whose only
// connection is watched here, and which makes one request at a time.
type wires struct {
	address string
	timeout time.Duration

	mu   sync.Mutex
	idle []*wire
}

// call makes one request of the library, and returns when ctx ends or the
// timeout is over at the latest. sent tells whether any of it may have left.
//
// The server may have closed an idle connection long ago, as a restart does.
// Where that shows, a request that is harmless to repeat, or of which nothing
// left, is made once more on a new connection.
func (w *wires) call(ctx context.Context, harmless bool, request func(*memcache.Client) error) (sent bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	one := w.take()
	reused := one.Conn != nil
	err = one.call(ctx, w.timeout, request)
	if err != nil && !answered(err) && reused && (harmless || !one.sent) && ctx.Err() == nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		w.hangUp() // the others are as old
		one = newWire(w.address)
		err = one.call(ctx, w.timeout, request)
	}
	sent = one.sent
	w.put(one) // from here on it is another call's
	if err != nil && !answered(err) {
		err = fmt.Errorf("memcached %s: %w", w.address, err)
	}
	return sent, err
}

func (w *wires) take() *wire {
	w.mu.Lock()
	defer w.mu.Unlock()
	if last := len(w.idle) - 1; last >= 0 {
		one := w.idle[last]
		w.idle = w.idle[:last]
		return one
	}
	return newWire(w.address)
}

func (w *wires) put(one *wire) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if one.Conn != nil && len(w.idle) < mostIdle {
		w.idle = append(w.idle, one)
		return
	}
	one.hangUp()
}

func (w *wires) hangUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.idle {
		one.hangUp()
	}
	w.idle = nil
}

// answered tells whether err is the server's plain no, after which the
// connection is as good as before.
func answered(err error) bool {
	return errors.Is(err, memcache.ErrCacheMiss) || errors.Is(err, memcache.ErrCASConflict) || errors.Is(err, memcache.ErrNotStored)
}

// wire is one connection, which is what the library gets for its own, and the
// library's client on it.
type wire struct {
	net.Conn // nil while there is none
	client   *memcache.Client

	// Of the call under way:
	ctx  context.Context // for the dialler, to which the library gives none of ours
	stop func() bool     // ends the watch on ctx
	sent bool
}

func newWire(address string) *wire {
	w := &wire{client: memcache.NewFromSelector(server(address))}
	w.client.MaxIdleConns = 1
	w.client.DialContext = w.dial
	return w
}

// call makes one request. The connection is closed when ctx ends, so that the
// library returns at once and nothing is left behind.
func (w *wire) call(ctx context.Context, timeout time.Duration, request func(*memcache.Client) error) error {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	w.ctx, w.sent = limited, false
	w.stop = func() bool { return true }
	if w.Conn != nil {
		w.watch()
	}
	err := request(w.client)
	if !w.stop() || err != nil && !answered(err) {
		w.hangUp()
	}
	if err == nil || answered(err) {
		return err
	}
	if deadline, _ := limited.Deadline(); !time.Now().Before(deadline) {
		<-limited.Done() // the dialler's clock was a moment ahead
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return fmt.Errorf("no answer within %s: %w", timeout, os.ErrDeadlineExceeded)
	}
	return err
}

// dial is called by the library where it has no connection.
func (w *wire) dial(_ context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(w.ctx, network, address)
	if err != nil {
		return nil, err
	}
	w.Conn = conn
	w.watch()
	return w, nil
}

func (w *wire) watch() {
	conn := w.Conn
	w.stop = context.AfterFunc(w.ctx, func() { _ = conn.Close() })
}

func (w *wire) hangUp() {
	_ = w.client.Close()
	if w.Conn != nil {
		_ = w.Close()
	}
	w.Conn = nil
}

func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	w.sent = w.sent || n > 0
	return n, err
}

// SetDeadline keeps the library from moving the end of a call, which it does
// with every item that it reads.
func (w *wire) SetDeadline(time.Time) error { return nil }

// server is the one server, as the library wants to choose it. It is resolved
// when it is dialled.
type server string

func (s server) Network() string                      { return "tcp" }
func (s server) String() string                       { return string(s) }
func (s server) PickServer(string) (net.Addr, error)  { return s, nil }
func (s server) Each(call func(net.Addr) error) error { return call(s) }
