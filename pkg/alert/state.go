package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// State is all that is remembered. Its methods change it in place. The zero State is
// that of the beginning.
type State struct {
	Seq       uint64            `json:"seq"` // of the last message or silence
	Incidents []Incident        `json:"incidents,omitempty"`
	Outbox    []Message         `json:"outbox,omitempty"` // in the order of Seq
	Silences  []Silence         `json:"silences,omitempty"`
	Failing   map[string]bool   `json:"failing,omitempty"` // places whose last try failed
	Untold    []heartbeat.Event `json:"untold,omitempty"`  // of kind alerts, for the event log
}

// Incident is what is wrong with one thing, or a notice.
type Incident struct {
	ID       string              `json:"id"` // of its subject and of the event that opened it
	Severity Severity            `json:"severity"`
	Notice   bool                `json:"notice,omitempty"`
	Over     bool                `json:"over,omitempty"`
	Since    time.Time           `json:"since"`         // it opened
	Due      time.Time           `json:"due,omitzero"`  // a change counts; zero where nothing changed
	Sent     time.Time           `json:"sent,omitzero"` // a notice: when it was told last
	Count    int                 `json:"count,omitempty"`
	Event    heartbeat.Event     `json:"event"`             // that opened it, or made it worse
	End      *heartbeat.Event    `json:"end,omitempty"`     // that ended it
	Told     map[string]Severity `json:"told,omitempty"`    // by place
	Skip     []string            `json:"skip,omitempty"`    // places that could not be told
	Members  []string            `json:"members,omitempty"` // what a machine speaks for
	Within   string              `json:"within,omitempty"`  // the id of the machine's incident that speaks for it
}

// Key is what it is about.
func (in *Incident) Key() heartbeat.Key { return Subject(in.Event) }

// What a message says.
const (
	Opened = "opened"
	Worse  = "worse"
	Ended  = "ended"
	Noted  = "noted"
	Tested = "test"
)

// Message is what one place is told, once.
type Message struct {
	Seq      uint64          `json:"seq"`
	ID       string          `json:"id"` // the same in every try
	Place    string          `json:"place"`
	What     string          `json:"what"`
	Incident string          `json:"incident"`
	Severity Severity        `json:"severity"`
	Event    heartbeat.Event `json:"event"`
	Since    time.Time       `json:"since"` // the incident opened
	Count    int             `json:"count,omitempty"`
	Members  []string        `json:"members,omitempty"`
	At       time.Time       `json:"at"`              // it was queued
	Begun    bool            `json:"begun,omitempty"` // a try may have arrived
	Tries    int             `json:"tries,omitempty"` // that failed
	Next     time.Time       `json:"next,omitzero"`   // try not before that
	Error    string          `json:"error,omitempty"` // of the last try
}

// identity is a short hash of its parts.
func identity(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return hex.EncodeToString(h.Sum(nil)[:10])
}

// incidentID names an incident by its subject and the event that opened it.
func incidentID(k heartbeat.Key, event string) string {
	return identity(k.Cluster, string(k.Kind), k.Name, event)
}

// put queues a message of an incident for a place.
func (s *State) put(in *Incident, place, what string, e heartbeat.Event, now time.Time) {
	s.Seq++
	s.Outbox = append(s.Outbox, Message{
		Seq: s.Seq, ID: identity(in.ID, what, string(in.Severity), place, e.ID), Place: place, What: what,
		Incident: in.ID, Severity: in.Severity, Event: e, Since: in.Since, Count: in.Count, Members: in.Members, At: now,
	})
}
