package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// phase is what a login in progress waits for; it becomes the stage of the error
// when time runs out.
type phase int32

const (
	phaseBastion phase = iota
	phaseConnect
	phaseGreeting
	phaseSlot
	phaseKeyExchange
	phaseAuth
)

// tracker tells those who wait for a login how far it is.
type tracker struct{ at atomic.Int32 }

func (t *tracker) set(p phase) { t.at.Store(int32(p)) }

// late is the error of a login whose time ran out in the phase it is in; cause is
// an error of a context or a deadline. Waiting for a slot says nothing about the
// machine, so that it is no *Error.
func (t *tracker) late(cause error) error {
	if errors.Is(cause, context.Canceled) {
		return cause
	}
	switch phase(t.at.Load()) {
	case phaseBastion:
		return &Error{Stage: StageRoute, Err: &late{"its bastion is still being reached", cause}}
	case phaseConnect:
		return &Error{Stage: StageSilent, Err: &late{nothing, cause}}
	case phaseGreeting:
		return &Error{Stage: StageBanner, Err: &late{"the port accepted and said nothing in time", cause}}
	case phaseSlot:
		return fmt.Errorf("gave up waiting for a free login slot: %w", cause)
	case phaseKeyExchange:
		return &Error{Stage: StageBanner, Err: &late{"the server hung in the key exchange", cause}}
	default:
		return &Error{Stage: StageAuth, Err: &late{"the login was not finished in time, by the server or by an agent", cause}}
	}
}

// nothing is what is said of a host from which nothing came back.
const nothing = "nothing answers"

// late says what did not happen in time. Whose clock noticed it, a context's or a
// connection's, varies from look to look and is not said.
type late struct {
	text  string
	cause error
}

func (l *late) Error() string { return l.text }

func (l *late) Unwrap() error { return l.cause }

// budget is the time one login may take. Waiting for a slot is not charged to the
// machine.
type budget struct{ left time.Duration }

// phase runs f with what is left and charges what it took. timedOut tells that the
// budget ended f, not the caller.
func (b *budget) phase(ctx context.Context, f func(context.Context) error) (timedOut bool, err error) {
	limited, cancel := context.WithTimeout(ctx, b.left)
	defer cancel()
	began := time.Now()
	err = f(limited)
	b.left -= time.Since(began)
	// A dialer keeps the deadline by a timer of its own, and may notice first.
	deadline, _ := limited.Deadline()
	ended := limited.Err() != nil || !time.Now().Before(deadline)
	return err != nil && ended && ctx.Err() == nil, err
}

// dial connects and logs in. A pooled connection to the bastion may have died
// unnoticed: then it is made anew, once.
func (p *Pool) dial(ctx context.Context, t *target, timeout time.Duration, track *tracker) (*connection, error) {
	if t.via == nil {
		return p.dialVia(ctx, t, nil, &budget{left: timeout}, track)
	}
	for {
		track.set(phaseBastion)
		via, reused, err := p.bastion(ctx, t, timeout)
		if err != nil {
			return nil, err
		}
		c, err := p.dialVia(ctx, t, via, &budget{left: timeout}, track)
		again := reused && ctx.Err() == nil && (errors.Is(err, errDead) || errors.Is(err, errNoAnswer))
		if again {
			via.retire()
			via.verify(timeout)
		}
		via.release() // the tunnel through it holds it from here on
		if !again {
			return c, err
		}
	}
}

func (p *Pool) dialVia(ctx context.Context, t *target, via *connection, b *budget, track *tracker) (*connection, error) {
	var conn *greetedConn
	var ring *keyring
	timedOut, err := b.phase(ctx, func(ctx context.Context) error {
		var err error
		if conn, err = connectAndGreet(ctx, t, via, track); err != nil {
			return err
		}
		track.set(phaseAuth)
		ring, err = p.keyrings.load(ctx, t.keys)
		if err != nil {
			conn.Close()
			return &Error{Stage: StageAuth, Err: err}
		}
		return nil
	})
	if err != nil {
		return nil, settle(ctx, err, timedOut, track)
	}
	track.set(phaseSlot)
	place, err := p.takeSlot(ctx)
	if err != nil {
		conn.Close()
		return nil, track.late(err)
	}
	defer place.release()
	track.set(phaseKeyExchange)
	var c *connection
	timedOut, err = b.phase(ctx, func(ctx context.Context) error {
		var err error
		c, err = p.login(ctx, t, &slottedConn{Conn: conn, slot: place}, ring, track)
		return err
	})
	if err != nil {
		return nil, settle(ctx, err, timedOut, track)
	}
	return c, nil
}

// settle turns the error of a phase that ran out of time into one that says so.
func settle(ctx context.Context, err error, timedOut bool, track *tracker) error {
	switch {
	case ctx.Err() != nil:
		return track.late(ctx.Err())
	case timedOut:
		return track.late(os.ErrDeadlineExceeded)
	}
	return err
}

// bastion returns a connection to the bastion before t. Without its bastion a
// machine has no route, whatever the bastion's own trouble is: the machine itself
// was not even tried.
func (p *Pool) bastion(ctx context.Context, t *target, timeout time.Duration) (via *connection, reused bool, err error) {
	via, reused, err = p.get(ctx, t.via, timeout)
	var e *Error
	if errors.As(err, &e) {
		err = &Error{Stage: StageRoute, Err: &bastionError{label: t.via.label(), cause: e}}
	}
	return via, reused, err
}

// bastionError tells whose trouble it was.
type bastionError struct {
	label string
	cause *Error
}

func (e *bastionError) Error() string {
	return "through bastion " + e.label + ": " + e.cause.Err.Error()
}

// Unwrap skips the bastion's own *Error: its stage is about the bastion, and a
// caller who looks for the stage must find the machine's.
func (e *bastionError) Unwrap() error { return e.cause.Err }

// connectAndGreet opens the way to the server and waits for its version line.
func connectAndGreet(ctx context.Context, t *target, via *connection, track *tracker) (*greetedConn, error) {
	track.set(phaseConnect)
	raw, err := connect(ctx, t, via)
	if err != nil {
		return nil, err
	}
	track.set(phaseGreeting)
	// A deadline in the past ends a read that waits.
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	conn, err := greet(raw)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		raw.Close()
		return nil, &Error{Stage: StageBanner, Err: err}
	}
	return conn, nil
}

func connect(ctx context.Context, t *target, via *connection) (net.Conn, error) {
	if via != nil {
		return connectThrough(ctx, t, via)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", t.addr())
	stage := connectStage(err)
	switch {
	case err == nil:
	case stage == StageSilent, errors.Is(err, syscall.EHOSTUNREACH):
		// A neighbour that is off is told by the kernel now as a time-out, now as an
		// unreachable host.
		return nil, &Error{Stage: StageSilent, Err: &late{nothing, err}}
	default:
		return nil, &Error{Stage: stage, Err: err}
	}
	return acknowledgeQuickly(conn), nil
}

// connectThrough asks the bastion to connect. That it may not, or cannot, is told
// from the machine's own refusal.
func connectThrough(ctx context.Context, t *target, via *connection) (net.Conn, error) {
	total := DefaultTimeout
	if deadline, ok := ctx.Deadline(); ok {
		total = time.Until(deadline)
	}
	conn, err := via.tunnelWithin(ctx, "tcp", t.addr(), total)
	if err == nil {
		return conn, nil
	}
	stage := StageRoute
	var far *farError
	if errors.As(err, &far) {
		stage = connectStage(far.cause)
	}
	return nil, &Error{Stage: stage, Err: fmt.Errorf("through bastion %s: %w", t.via.label(), err)}
}
