package job

import (
	"errors"
	"fmt"
	"time"
)

// Superseded is the error of a caller whose turn is over: a later term has been seen on
// the machine.
type Superseded struct {
	Unit       string
	Epoch, Try uint64 // the highest term seen
}

// Error names the later term.
func (s *Superseded) Error() string {
	return fmt.Sprintf("its machine has seen a later term: epoch %d, try %d", s.Epoch, s.Try)
}

// Running is the error of a caller who cannot wait any longer. When last seen the job
// was running; it goes on by itself, and Run with the same unit finds it.
type Running struct {
	Unit  string
	Since time.Time
	Err   error // why nobody waits: an end of the context, a *remote.Error
}

// Error says since when it runs.
func (r *Running) Error() string {
	text := fmt.Sprintf("job %s is still running, since %s", r.Unit, r.Since.UTC().Format(time.RFC3339))
	if r.Err != nil {
		text += ": " + r.Err.Error()
	}
	return text
}

// Unwrap returns why nobody waits.
func (r *Running) Unwrap() error { return r.Err }

// told says what could not be done, unless the error says all by itself.
func told(verb, unit string, err error) error {
	var running *Running
	if errors.As(err, &running) {
		return err
	}
	return fmt.Errorf("cannot %s job %s: %w", verb, unit, err)
}
