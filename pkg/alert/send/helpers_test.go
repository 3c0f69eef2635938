package send

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/alert"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/eventlog"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/secret"
	"github.com/clmgr/clmgr/pkg/store"
)

// site is a state folder with a log.
type site struct {
	folder string
	log    *eventlog.Log
}

func siteIn(folder string) (site, error) {
	log, err := eventlog.Open(folder, eventlog.Options{})
	return site{folder, log}, err
}

func newSite(t *testing.T) site {
	t.Helper()
	s, err := siteIn(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sender returns one for the places, quick as tests want it.
func (s site) sender(places ...Place) (*Sender, error) {
	own, err := store.Open(context.Background(), "file:"+filepath.Join(s.folder, "own"), store.Options{})
	if err != nil {
		return nil, err
	}
	return New(Options{
		Settings: alert.Settings{
			Manager: "m1", GroupWait: 20 * time.Millisecond, NoticeEvery: time.Hour, GiveUp: time.Hour,
			FirstDelay: 2 * time.Millisecond, Longest: 10 * time.Millisecond,
		},
		Places: places, Store: own, Log: s.log, Dir: filepath.Join(s.folder, "alerts"), Timeout: 5 * time.Second, Turn: 10 * time.Second,
		Mask: func(text string) string { return strings.ReplaceAll(text, "canary", "xxx") },
	})
}

func (s site) mustSender(t *testing.T, places ...Place) *Sender {
	t.Helper()
	made, err := s.sender(places...)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// event is that service node<n> is down, or runs.
func event(n int, down bool) heartbeat.Event {
	e := heartbeat.Event{
		Key: heartbeat.Key{Cluster: "c", Kind: heartbeat.Services, Name: fmt.Sprint("node", n)}, IP: netip.MustParseAddr("10.0.0.1"),
		Was: heartbeat.Point{State: "running", Code: command.OK}, Is: heartbeat.Point{State: "gone", Code: command.DatabaseCommFailure},
		At: time.Now(), Manager: "m1", Reason: "it says canary",
	}
	if !down {
		e.Was, e.Is = e.Is, e.Was
	}
	return e.Occur(fmt.Sprint(n, down))
}

func (s site) add(events ...heartbeat.Event) error {
	var batch []eventlog.Entry
	for _, e := range events {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		entry, err := eventlog.Parse(line)
		if err != nil {
			return err
		}
		batch = append(batch, entry)
	}
	return s.log.Append(context.Background(), time.Now(), batch)
}

func (s site) mustAdd(t *testing.T, events ...heartbeat.Event) {
	t.Helper()
	if err := s.add(events...); err != nil {
		t.Fatal(err)
	}
}

// told are the events of kind alerts in the log.
func (s site) told(t *testing.T) []heartbeat.Event {
	t.Helper()
	var out []heartbeat.Event
	for entry, err := range s.log.List(t.Context(), eventlog.Filter{}) {
		var e heartbeat.Event
		if err == nil {
			err = json.Unmarshal(entry.Line, &e)
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Key.Kind == heartbeat.Alerts {
			out = append(out, e)
		}
	}
	return out
}

// got is one request that a sink had.
type got struct {
	header http.Header
	body   []byte
	doc    map[string]any
	taken  bool
	at     time.Time
}

func (g got) event() map[string]any { return g.doc["event"].(map[string]any) }

// sink is a real HTTP server that answers as a test says.
type sink struct {
	*httptest.Server
	mu  sync.Mutex
	all []got
}

// newSink makes a sink. Its answer may also set headers and take its time.
func newSink(t *testing.T, answer func(n int, w http.ResponseWriter) (status int)) *sink {
	t.Helper()
	s := &sink{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // who sent it has died
		}
		g := got{header: r.Header, body: body, at: time.Now()}
		if err := json.Unmarshal(body, &g.doc); err != nil || r.Method != http.MethodPost {
			t.Errorf("%s of %q: %v", r.Method, body, err)
		}
		s.mu.Lock()
		n := len(s.all)
		s.all = append(s.all, g)
		s.mu.Unlock()
		status := answer(n, w)
		s.mu.Lock()
		s.all[n].taken = status/100 == 2
		s.mu.Unlock()
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) place(name string) Place {
	return Place{Name: name, Webhook: &Webhook{URL: secret.New(s.URL + "/hook"), Key: secret.New("a key of the hook")}}
}

// requests are all so far.
func (s *sink) requests() []got {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]got(nil), s.all...)
}

// taken are the requests that were answered well, each id once.
func (s *sink) taken() []got {
	var out []got
	known := map[string]bool{}
	for _, g := range s.requests() {
		if id := g.header.Get(HeaderID); g.taken && !known[id] {
			known[id] = true
			out = append(out, g)
		}
	}
	return out
}

// running runs the sender until the test ends or stop is called. It has turned once by
// then: events from now on are told.
func running(t *testing.T, s *Sender) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done, turned := make(chan error, 1), make(chan struct{})
	var first, once sync.Once
	go func() { done <- s.Run(ctx, func() { first.Do(func() { close(turned) }) }) }()
	select {
	case <-turned:
	case err := <-done:
		t.Fatalf("Run: %v", err)
	}
	stop = func() {
		once.Do(func() {
			cancel()
			began := time.Now()
			if err := <-done; err != nil {
				t.Errorf("Run: %v", err)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("Run ended after %v", took)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

var errTooLong = errors.New("not within a minute")

// wait waits until something is so.
func wait(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: %v", what, errTooLong)
		}
	}
}

// inOrder checks what a place took: of each service that it is down and then that it
// runs, under one incident.
func inOrder(t *testing.T, taken []got, services int) {
	t.Helper()
	if len(taken) != 2*services {
		t.Errorf("%d messages of %d services", len(taken), services)
	}
	down := map[string]string{}
	for _, g := range taken {
		name, incident := g.event()["name"].(string), g.doc["incident"].(string)
		switch g.doc["what"] {
		case alert.Opened:
			if down[name] != "" {
				t.Errorf("%s is down twice", name)
			}
			down[name] = incident
		case alert.Ended:
			if down[name] != incident || incident == "" {
				t.Errorf("%s ended %q, began %q", name, incident, down[name])
			}
			down[name] = "over"
		}
	}
	if len(down) != services {
		t.Errorf("told of %d services, want %d", len(down), services)
	}
}
