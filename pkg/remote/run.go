package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// MaxOutput is how much of standard output, and as much of standard error, Run
// takes, in bytes.
const MaxOutput = 16 << 20

// Run executes a command by the login user's shell and returns what it left. A
// non-zero exit status is no error; a signal, a lost connection and output above
// MaxOutput are, and so is an end of ctx: then Run returns at once with the output
// so far, and the command is sent SIGTERM, which sshd delivers for all users but
// root; what must not outlive its caller needs a limit of its own.
//
// Passwords must go by stdin, never in the command: the machine's process list
// shows that to everybody. stdin may be nil. Run does not wait for a Read of stdin
// that blocks after the command has ended. A command is never started twice: where
// it is not known whether one has begun, Run fails.
func (h *Host) Run(ctx context.Context, command string, stdin io.Reader) (Output, error) {
	if h.machine.Here {
		return runHere(ctx, command, stdin)
	}
	s, label, err := h.session(ctx)
	if err != nil {
		return Output{}, named(err, label)
	}
	defer s.close()
	if err := s.start(ctx, command, h.settings.timeout()); err != nil {
		s.abort()
		s.conn.verify(h.settings.timeout())
		return Output{}, runError(label, err)
	}
	out, err := s.collect(ctx, stdin)
	if err != nil {
		if !errors.Is(err, errSignal) {
			s.abort()
			s.conn.verify(h.settings.timeout())
		}
		return out, runError(label, err)
	}
	return out, nil
}

// errSignal is wrapped by the error of a command that a signal ended.
var errSignal = errors.New("killed by signal")

// runError names the machine; a connection that broke is an *Error.
func runError(label string, err error) error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return named(err, label)
	case errors.Is(err, errDead), errors.Is(err, errNoAnswer):
		return &Error{Stage: StageLost, Machine: label, Err: fmt.Errorf("while a command was running: %w", err)}
	}
	return fmt.Errorf("cannot run a command on %s: %w", label, err)
}

// collect feeds a started command and waits for its end.
func (s *session) collect(ctx context.Context, stdin io.Reader) (Output, error) {
	var stdout, stderr capped
	trouble := make(chan error, 3) // one from each goroutine at most
	go func() {
		if err := s.feed(stdin); err != nil {
			trouble <- err
		}
	}()
	drained := s.drain(&stdout, &stderr, trouble)
	var err error
	select {
	case <-drained:
		select { // a full buffer may have ended the readers just before
		case err = <-trouble:
		default:
			return s.result(stdout.bytes(), stderr.bytes())
		}
	case err = <-trouble:
	case <-ctx.Done():
		err = ctx.Err()
	}
	return Output{Stdout: stdout.bytes(), Stderr: stderr.bytes()}, err
}

// drain reads both outputs. What it returns is closed when they and the session
// have ended.
func (s *session) drain(stdout, stderr io.Writer, trouble chan<- error) <-chan struct{} {
	var readers sync.WaitGroup
	read := func(to io.Writer, from io.Reader) {
		if _, err := io.Copy(to, from); err != nil {
			trouble <- err
		}
	}
	readers.Go(func() { read(stdout, s.channel) })
	readers.Go(func() { read(stderr, s.channel.Stderr()) })
	drained := make(chan struct{})
	go func() {
		readers.Wait()
		<-s.ended
		close(drained)
	}()
	return drained
}

// result tells how a command ended.
func (s *session) result(stdout, stderr []byte) (Output, error) {
	out := Output{Stdout: stdout, Stderr: stderr}
	switch {
	case s.status != nil:
		out.Exit = int(*s.status)
		return out, nil
	case s.signal != "":
		return out, fmt.Errorf("%w %s", errSignal, oneLine(s.signal))
	}
	return out, fmt.Errorf("it ended without an exit status: %w", errDead)
}

// feed copies stdin to the command. An error of reading it is reported and leaves
// the command's input open: an end of input would tell it that all has come.
func (s *session) feed(stdin io.Reader) error {
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	source := &failing{from: stdin}
	_, _ = io.Copy(s.channel, source)
	if source.err != nil {
		return fmt.Errorf("cannot read its input: %w", source.err)
	}
	// An error of writing is none: a command may end without reading all of its
	// input, and a lost connection is seen by those who read.
	_ = s.channel.CloseWrite()
	return nil
}

// failing remembers the error of its reader, which io.Copy does not tell from one
// of writing.
type failing struct {
	from io.Reader
	err  error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// capped is a buffer with a limit, readable while it is written.
type capped struct {
	mu   sync.Mutex
	data []byte
}

func (c *capped) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if room := MaxOutput - len(c.data); len(p) > room {
		c.data = append(c.data, p[:room]...)
		return room, fmt.Errorf("its output is larger than %d MiB", MaxOutput>>20)
	}
	c.data = append(c.data, p...)
	return len(p), nil
}

// bytes returns what has come so far; it does not change any more.
func (c *capped) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.data[:len(c.data):len(c.data)]
}
