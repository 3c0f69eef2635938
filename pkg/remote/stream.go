package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// Stream executes a command by the login user's shell and writes its standard output
// to stdout as it comes, until the command ends or ctx does; the command has no input.
// An exit status other than 0 is an error that says the last line of standard error.
// It holds one of the sessions that the server allows on a connection all the time.
//
// At an end of ctx the command is sent SIGTERM, as Run does, and its output is closed:
// sshd delivers the signal for all users but root, so a command must end when it
// cannot write any more. What is on its way may be written to stdout even then.
func (h *Host) Stream(ctx context.Context, command string, stdout io.Writer) error {
	if h.machine.Here {
		return streamHere(ctx, command, stdout)
	}
	s, label, err := h.session(ctx)
	if err != nil {
		return named(err, label)
	}
	defer s.close()
	if err := s.start(ctx, command, h.settings.timeout()); err != nil {
		s.abort()
		s.conn.verify(h.settings.timeout())
		return runError(label, err)
	}
	out, err := s.stream(ctx, stdout)
	switch {
	case err != nil && !errors.Is(err, errSignal):
		s.abort()
		return runError(label, err)
	case err != nil:
		return runError(label, err)
	case out.Exit != 0:
		return fmt.Errorf("cannot run a command on %s: exit status %d: %s", label, out.Exit, lastLine(out.Stderr))
	}
	return nil
}

// stream passes on what a started command prints, and waits for its end.
func (s *session) stream(ctx context.Context, stdout io.Writer) (Output, error) {
	var stderr capped
	trouble := make(chan error, 2) // one from each reader
	_ = s.channel.CloseWrite()     // an error is seen by those who read
	drained := s.drain(stdout, &stderr, trouble)
	select {
	case <-drained:
		select { // what could not be written may have ended the reader just before
		case err := <-trouble:
			return Output{}, err
		default:
			return s.result(nil, stderr.bytes())
		}
	case err := <-trouble:
		return Output{}, err
	case <-ctx.Done():
		return Output{}, ctx.Err()
	}
}

// lastLine is the last line of what a command complained.
func lastLine(text []byte) string {
	text = bytes.TrimSpace(text)
	return oneLine(string(text[bytes.LastIndexByte(text, '\n')+1:]))
}
