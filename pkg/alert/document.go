package alert

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// wire is the document that programs are given of a message. Fields are added, never
// renamed.
type wire struct {
	ID       string          `json:"id"`
	Incident string          `json:"incident"`
	What     string          `json:"what"`
	Severity Severity        `json:"severity,omitempty"`
	Title    string          `json:"title"`
	Text     string          `json:"text"`
	Since    string          `json:"since,omitempty"`
	Count    int             `json:"count,omitempty"`
	With     []string        `json:"with,omitempty"`
	Event    heartbeat.Event `json:"event"`
}

// Document is the message as JSON, for webhooks and programs.
func (m Message) Document(title, text string) ([]byte, error) {
	w := wire{
		ID: m.ID, Incident: m.Incident, What: m.What, Severity: m.Severity, Title: title, Text: text,
		Count: m.Count, With: m.Members, Event: m.Event,
	}
	if !m.Since.IsZero() {
		w.Since = m.Since.UTC().Format(time.RFC3339)
	}
	doc, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("cannot encode alert %s: %w", m.ID, err)
	}
	return append(doc, '\n'), nil
}

// Test is a message that tries a place.
func Test(place, manager string, now time.Time) Message {
	e := heartbeat.Event{
		Key: heartbeat.Key{Kind: heartbeat.Managers, Name: manager}, Is: heartbeat.Point{State: "this is a test"},
		At: now, Manager: manager, Reason: "somebody ran clmgr alerts test",
	}.Occur(now.String())
	id := incidentID(e.Key, e.ID)
	return Message{ID: identity(id, Tested, place), Place: place, What: Tested, Incident: id, Severity: Info, Event: e, Since: now, At: now}
}
