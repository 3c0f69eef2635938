package send

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// lookEvery is how often Run looks at the log without being woken.
const lookEvery = 500 * time.Millisecond

// overtime is how long after its time a delivery may go on before Run takes it for hung.
const overtime = 30 * time.Second

// endTime is how long Run waits at its end for those at work.
const endTime = 1500 * time.Millisecond

// delivery is how work for one place ended.
type delivery struct {
	place string
	err   error
}

// Run takes in events and delivers until ctx is done, and calls beat whenever it turns.
// It stops beating where a delivery hangs. Its error is one of the store or of the log;
// all it has to know to go on is stored.
func (s *Sender) Run(ctx context.Context, beat func()) error {
	if len(s.places) == 0 {
		return s.idle(ctx, beat)
	}
	ctx, cancel := context.WithCancel(ctx)
	since := time.Now()
	busy := map[string]time.Time{} // places at work, and since when
	ended := make(chan delivery, len(s.places))
	err := s.loop(ctx, beat, since, busy, ended)
	cancel()
	// Those at work have a moment to note what has arrived. Their errors are of that.
	late := time.NewTimer(endTime)
	defer late.Stop()
	for range busy {
		select {
		case d := <-ended:
			err = errors.Join(err, d.err)
		case <-late.C:
			return err
		}
	}
	return err
}

func (s *Sender) loop(ctx context.Context, beat func(), since time.Time, busy map[string]time.Time, ended chan delivery) error {
	pause := time.NewTimer(lookEvery)
	defer pause.Stop()
	for ctx.Err() == nil {
		if err := s.take(ctx, since, false); err != nil && ctx.Err() == nil {
			return err
		}
		for _, place := range s.ready(time.Now()) {
			if _, at := busy[place]; !at {
				busy[place] = time.Now()
				go s.work(ctx, place, ended)
			}
		}
		if err := s.hung(busy); err != nil {
			return err
		}
		beat()
		pause.Reset(s.pause(time.Now(), lookEvery))
		select {
		case <-ctx.Done():
		case <-pause.C:
		case <-s.wake:
		case d := <-ended:
			delete(busy, d.place)
			if d.err != nil && ctx.Err() == nil {
				return d.err
			}
		}
	}
	return nil
}

// work delivers to one place, and begins nothing after about the time of one try, so
// that who hangs can be told from who has much to do. Where another process is at it,
// it looks again a little later.
func (s *Sender) work(ctx context.Context, place string, ended chan<- delivery) {
	free, err := s.deliver(ctx, place, time.Now().Add(s.opts.Timeout))
	if !free && err == nil {
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
	}
	ended <- delivery{place, err}
}

// hung tells of a delivery that goes on long after its time was over.
func (s *Sender) hung(busy map[string]time.Time) error {
	for place, since := range busy {
		if took := time.Since(since); took > 2*s.opts.Timeout+overtime {
			return fmt.Errorf("cannot send alerts to %s: a delivery has hung for %s", place, took.Round(time.Second))
		}
	}
	return nil
}

// idle is Run without a place to tell anything.
func (s *Sender) idle(ctx context.Context, beat func()) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		beat()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
