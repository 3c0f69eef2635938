package monitor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// clear masks nothing.
func clear(s string) string { return s }

var plain = Options{Manager: "mgr1", Mask: clear}

// pages is a book that is written and read again between two turns, as in a store.
type pages struct {
	t   interface{ Fatal(...any) }
	doc []byte
}

// turn makes one turn and returns what it tells, each as "name: was → is".
func (p *pages) turn(now time.Time, f func(*book, time.Time)) []string {
	var out []string
	for _, e := range p.events(now, f) {
		out = append(out, fmt.Sprintf("%s: %s → %s", e.Key.Name, e.Was.State, e.Is.State))
	}
	return out
}

func (p *pages) events(now time.Time, f func(*book, time.Time)) []heartbeat.Event {
	b, err := readBook(p.doc, now)
	if err != nil {
		p.t.Fatal(err)
	}
	f(b, now)
	events := slices.Clone(b.Untold)
	b.told(events)
	if p.doc, err = b.write(); err != nil {
		p.t.Fatal(err)
	}
	return events
}

// same compares what was told.
func same(t *testing.T, what string, got []string, want string) {
	t.Helper()
	if text := strings.Join(got, "; "); text != want {
		t.Errorf("%s: told %q, wanted %q", what, text, want)
	}
}
