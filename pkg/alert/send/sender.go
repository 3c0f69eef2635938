package send

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/alert"
	"github.com/clmgr/clmgr/pkg/eventlog"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/secret"
	"github.com/clmgr/clmgr/pkg/store"
)

// Place is where messages go: one of URL, Webhook and Program.
type Place struct {
	Name    string
	URL     secret.Value // of a service of shoutrrr
	Webhook *Webhook
	Program []string // its absolute path and its arguments
}

// Webhook is a URL that documents are posted to.
type Webhook struct {
	URL secret.Value
	Key secret.Value // signs them; may be empty
}

// Options are what a Sender works with.
type Options struct {
	Settings alert.Settings // its Places are those below, in their order
	Places   []Place
	Store    store.Store         // of this manager alone
	Log      *eventlog.Log       // what is read, and where failures are told
	Dir      string              // where the locks are
	Timeout  time.Duration       // of one try
	Turn     time.Duration       // during which a Turn begins tries
	Mask     func(string) string // takes secrets out of text from elsewhere; nil for none
}

// Sender delivers alerts. It may be used by several goroutines and several processes
// at once.
type Sender struct {
	opts   Options
	places map[string]place
	wake   chan struct{}

	mu    sync.Mutex
	raw   []byte    // of the document when it was last looked at
	state document  // that these bytes are
	next  time.Time // when it has something to do without an event; zero for never
}

// New makes a Sender. Nothing is contacted yet.
func New(opts Options) (*Sender, error) {
	if opts.Mask == nil {
		opts.Mask = func(s string) string { return s }
	}
	s := &Sender{opts: opts, places: map[string]place{}, wake: make(chan struct{}, 1)}
	s.opts.Settings.Places = nil
	for _, p := range opts.Places {
		made, err := newPlace(p, opts)
		if err != nil {
			return nil, fmt.Errorf("cannot send alerts to %s: %w", p.Name, err)
		}
		s.places[p.Name] = made
		s.opts.Settings.Places = append(s.opts.Settings.Places, p.Name)
	}
	return s, nil
}

// Places are the names of the places, in their order.
func (s *Sender) Places() []string { return s.opts.Settings.Places }

// Wake has Run look at the log at once.
func (s *Sender) Wake() {
	select {
	case s.wake <- struct{}{}:
	default: // it is about to look
	}
}

// View returns the state as it stands.
func (s *Sender) View(ctx context.Context) (alert.State, error) {
	raw, err := s.read(ctx)
	if err != nil {
		return alert.State{}, err
	}
	doc, err := decode(raw)
	return doc.State, err
}

// Change changes the state by a function, which may be called several times.
func (s *Sender) Change(ctx context.Context, why string, f func(*alert.State) error) error {
	if err := s.update(ctx, why, func(d *document) error { return f(&d.State) }); err != nil {
		return err
	}
	s.Wake()
	return nil
}

// Tried is how a test of a place ended.
type Tried struct {
	Place string
	Took  time.Duration
	Err   error
}

// Test sends a message to a place, or with "" to every place side by side, and tells
// how that ended. The outbox has no part in it.
func (s *Sender) Test(ctx context.Context, name string) ([]Tried, error) {
	if _, known := s.places[name]; name != "" && !known {
		return nil, fmt.Errorf("cannot test %q: there is no such place", name)
	}
	var out []Tried
	for _, p := range s.Places() {
		if name == "" || name == p {
			out = append(out, Tried{Place: p})
		}
	}
	var all sync.WaitGroup
	for n := range out {
		all.Go(func() {
			began := time.Now()
			out[n].Err = s.send(ctx, alert.Test(out[n].Place, s.opts.Settings.Manager, began.UTC()))
			out[n].Took = time.Since(began)
		})
	}
	all.Wait()
	return out, nil
}

// send makes one try. The error has no secrets in it.
func (s *Sender) send(ctx context.Context, m alert.Message) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	title, text := s.opts.Settings.Render(m)
	doc, err := m.Document(title, text)
	if err != nil {
		return err
	}
	return s.places[m.Place].send(ctx, letter{message: m, title: title, text: text, document: doc})
}

// outcome is what the outbox needs to know of an error.
func (s *Sender) outcome(err error, jitter float64) alert.Outcome {
	o := alert.Outcome{Reason: short(s.opts.Mask(err.Error())), Jitter: jitter}
	var later *laterError
	if errors.As(err, &later) {
		o.After = later.after
	}
	o.Refused = errors.As(err, new(*refusedError))
	return o
}

// masked is an event without secrets: what watchers tell comes from elsewhere.
func (s *Sender) masked(e heartbeat.Event) heartbeat.Event {
	e.Reason = s.opts.Mask(e.Reason)
	for k, v := range e.Labels {
		e.Labels[k] = s.opts.Mask(v)
	}
	return e
}
