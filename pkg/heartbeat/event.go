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
}

// identify gives the event its id: the hash of who saw what change, and when
// the old state was last seen. Two heartbeats that find the same difference
// from the same record give it the same id.
func (e Event) identify(before time.Time) Event {
	h := sha256.New()
	for _, part := range []string{
		e.Manager, e.Key.Cluster, string(e.Key.Kind), e.Key.Name,
		e.Was.State, string(e.Was.Code), e.Was.Role, e.Is.State, string(e.Is.Code), e.Is.Role,
		strconv.FormatInt(before.UnixNano(), 10),
	} {
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
