package heartbeat

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
)

// Point is what is compared of an entry.
type Point struct {
	State string
	Code  command.Code // empty for what has no code
	Role  string       // empty for what has no role
}

// Event is one difference between two looks.
type Event struct {
	ID      string // stable: the same difference has the same id wherever it is read
	Key     Key
	IP      netip.Addr
	Was, Is Point
	At      time.Time // of the look that saw it
	Manager string    // who saw it
	Reason  string
	Labels  map[string]string // what rules and alerts may go by, as fields of a log line; never a secret
}

// Occur gives an event that no two looks differ by, as a line of a log, its id:
// the hash of who saw it, of what it says, and of what tells this occurrence from
// another like it. The same occurrence, seen again, has the same id.
func (e Event) Occur(occurrence string) Event {
	e.ID = ""
	return e.hashed("occurrence", occurrence)
}

// identify gives the event its id: the hash of who saw what change, and when
// the old state was last seen. Two heartbeats that find the same difference
// from the same record give it the same id.
func (e Event) identify(before time.Time) Event {
	return e.hashed(strconv.FormatInt(before.UnixNano(), 10))
}

func (e Event) hashed(which ...string) Event {
	h := sha256.New()
	for _, part := range append([]string{
		e.Manager, e.Key.Cluster, string(e.Key.Kind), e.Key.Name,
		e.Was.State, string(e.Was.Code), e.Was.Role, e.Is.State, string(e.Is.Code), e.Is.Role,
	}, which...) {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	e.ID = hex.EncodeToString(h.Sum(nil)[:10])
	return e
}

// String is the event in one line, as a person reads it.
func (e Event) String() string {
	var b strings.Builder
	if e.Key.Cluster != "" {
		b.WriteString(e.Key.Cluster + " ")
	}
	b.WriteString(strings.TrimSuffix(string(e.Key.Kind), "s") + " " + e.Key.Name)
	if e.IP.IsValid() {
		b.WriteString(" (" + e.IP.String() + ")")
	}
	b.WriteString(": " + e.Was.State + " → " + e.Is.State)
	if e.Was.Role != e.Is.Role && e.Was.Role != "" && e.Is.Role != "" {
		b.WriteString(", " + e.Was.Role + " → " + e.Is.Role)
	}
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	}
	return b.String()
}
