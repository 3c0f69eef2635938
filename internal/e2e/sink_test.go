package e2e_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// alertMessage is what a place is told.
type alertMessage struct {
	ID       string `json:"id"`
	Incident string `json:"incident"`
	What     string `json:"what"`
	Event    event  `json:"event"`

	path string // of the URL that it was told at
}

// sink takes alerts at any path.
type sink struct {
	*httptest.Server
	mu   sync.Mutex
	list []alertMessage
}

// newSink listens at an address of this host.
func newSink(t *testing.T, ip string) *sink {
	t.Helper()
	s := &sink{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		one := alertMessage{path: r.URL.Path}
		if err == nil {
			err = json.Unmarshal(text, &one)
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			t.Errorf("%v: %s", err, text)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.list = append(s.list, one)
	}))
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(ip, "0"))
	must(t, err)
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// all is what was told, in its order.
func (s *sink) all() []alertMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

// distinct is what was told, each message once: one that comes again under the key of an
// earlier one has to be that one.
func (s *sink) distinct(t *testing.T) []alertMessage {
	t.Helper()
	seen := map[string]alertMessage{}
	var out []alertMessage
	for _, one := range s.all() {
		first, again := seen[one.ID]
		switch {
		case !again:
			seen[one.ID] = one
			out = append(out, one)
		case first != one:
			t.Errorf("two messages of the key %s: %+v and %+v", one.ID, first, one)
		}
	}
	return out
}

// about is what was told of one thing.
func (s *sink) about(name string) []alertMessage {
	return slices.DeleteFunc(s.all(), func(one alertMessage) bool { return one.Event.Name != name })
}
