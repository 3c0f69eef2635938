package services

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/clmgr/clmgr/pkg/command"
)

// dial opens the connection a probe speaks over. Where it fails the observation
// says so, with the given code. The connection is closed when ctx is done, whatever
// it thinks of deadlines; the caller closes it through the function it gets.
func (a attempt) dial(ctx context.Context, code command.Code) (net.Conn, func(), *Observation) {
	conn, err := a.connect(ctx)
	if err != nil {
		seen := a.unreached(ctx, code, err)
		return nil, nil, &seen
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	return conn, func() { stop(); conn.Close() }, nil
}

// connect opens a bare connection.
func (a attempt) connect(ctx context.Context) (net.Conn, error) {
	return a.reach.Dial(ctx, "tcp", a.Addr)
}

// unreached is the observation of a connection that could not be made. Where it is
// the machine that SSH did not reach, nothing was learnt about the service, and the
// code says that instead.
func (a attempt) unreached(ctx context.Context, code command.Code, err error) Observation {
	if nothing, ok := bySSH(err); ok {
		seen := a.failed(command.RemoteCommFailure, err.Error())
		seen.Silent = nothing
		return seen
	}
	seen := a.failed(code, a.why(ctx, err))
	seen.Silent = silent(ctx, err)
	return seen
}

// bySSH tells whether err is about reaching the machine over SSH, and then whether
// nothing at all answered.
func bySSH(err error) (nothing, ok bool) {
	var told interface{ Silent() bool }
	if errors.As(err, &told) {
		return told.Silent(), true
	}
	return false, false
}

// lost is the observation of a connection that was made and then failed: the host
// answered, so it is never silent. doing says what for, as in "after login", and may
// be empty.
func (a attempt) lost(ctx context.Context, code command.Code, doing string, err error) Observation {
	reason := a.why(ctx, err)
	if doing != "" {
		reason += " " + doing
	}
	return a.failed(code, reason)
}

// silent tells whether nothing at all answered.
func silent(ctx context.Context, err error) bool {
	return ctx.Err() != nil || timedOut(err) ||
		errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH) ||
		errors.Is(err, syscall.EHOSTDOWN)
}

// why says in few words what went wrong with a connection, without the addresses
// that the reader knows already.
func (a attempt) why(ctx context.Context, err error) string {
	switch {
	case ctx.Err() != nil, timedOut(err), errors.Is(err, syscall.EHOSTUNREACH):
		// A neighbour that is off is told by the kernel now as a time-out, now as
		// an unreachable host.
		return "no answer " + a.within()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed by the server"
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return err.Error()
}

// timedOut tells whether the error is a time-out, of the kernel or of a deadline.
func timedOut(err error) bool {
	var slow net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.Is(err, syscall.ETIMEDOUT) || errors.As(err, &slow) && slow.Timeout()
}
