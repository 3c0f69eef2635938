package send

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/clmgr/clmgr/pkg/alert"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// recordTime bounds noting how a try ended, apart from the time of who waits for it:
// what arrived must not be sent again because somebody is in a hurry.
const recordTime = 5 * time.Second

// deliver sends a place what is due, one message after another, until nothing is. It
// begins none after until. Where another process is at it already, it does nothing and
// says that it is not free.
func (s *Sender) deliver(ctx context.Context, place string, until time.Time) (free bool, err error) {
	lock, err := s.lock(place)
	if err != nil || lock == nil {
		return false, err
	}
	defer lock.Close()
	m, err := s.begin(ctx, place)
	for err == nil && m != nil && ctx.Err() == nil {
		m, err = s.try(ctx, *m, until)
	}
	return true, err
}

// lock is held by who sends to the place; nil where that is another one.
func (s *Sender) lock(place string) (*flock.Flock, error) {
	if err := os.MkdirAll(s.opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot send alerts to %s: %w", place, err)
	}
	lock := flock.New(filepath.Join(s.opts.Dir, place+".lock"))
	free, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("cannot send alerts to %s: %w", place, err)
	}
	if !free {
		lock.Close()
		return nil, nil
	}
	return lock, nil
}

// begin takes the place's next message and notes that it may arrive from now on.
func (s *Sender) begin(ctx context.Context, place string) (*alert.Message, error) {
	var next *alert.Message
	err := s.update(ctx, "alert begun", func(d *document) error {
		next = copied(d.Begin(place, time.Now().UTC()))
		return nil
	})
	return next, err
}

func copied(m *alert.Message) *alert.Message {
	if m == nil {
		return nil
	}
	c := *m
	return &c
}

// try sends a message and notes how that ended, and in the same swap that the next one
// is begun, which it returns.
func (s *Sender) try(ctx context.Context, m alert.Message, until time.Time) (*alert.Message, error) {
	failure := s.send(ctx, m)
	if failure != nil && ctx.Err() != nil {
		return nil, nil // cut short together with us; it is sent again
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	jitter := rand.Float64() //nolint:gosec // only spreads tries
	var next *alert.Message
	var untold []heartbeat.Event
	err := s.update(ctx, "alert tried", func(d *document) error {
		now := time.Now().UTC()
		if failure == nil {
			d.Done(m.ID, s.opts.Settings, now)
		} else {
			d.Failed(m.ID, s.outcome(failure, jitter), s.opts.Settings, now)
		}
		next, untold = nil, d.Untold
		if now.Before(until) {
			next = copied(d.Begin(m.Place, now))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return next, s.tell(ctx, untold)
}

// Turn takes in what came into the event log, and delivers all that is due, beginning
// nothing after Options.Turn: what is left is for the next turn. The first events of a
// manager that has told nobody yet are those of the time since and later.
func (s *Sender) Turn(ctx context.Context, since time.Time) error {
	if len(s.places) == 0 {
		return nil
	}
	if err := s.take(ctx, since, true); err != nil {
		return err
	}
	now := time.Now()
	ready := s.ready(now)
	results := make(chan error, len(ready))
	for _, place := range ready {
		go func() {
			_, err := s.deliver(ctx, place, now.Add(s.opts.Turn))
			results <- err
		}()
	}
	var failures []error
	for range ready {
		failures = append(failures, <-results)
	}
	return errors.Join(failures...)
}
