package turn

import (
	"encoding/json"
	"maps"
	"unicode/utf8"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

const (
	// mostDocument is the size in bytes of an event that a script is given whole: it
	// stands in the queue, which managers share.
	mostDocument = 32 << 10
	// mostText is the size in bytes to which a text of a larger one is cut.
	mostText = 1 << 10
)

// document is what a script is given: {"events":[…]} with one event, its long texts
// cut where it is very large, and its labels left out where that is not enough.
func document(e heartbeat.Event) string {
	text := encoded(e)
	if len(text) <= mostDocument {
		return text
	}
	e.Reason, e.Labels = cut(e.Reason), maps.Clone(e.Labels)
	for name, value := range e.Labels {
		e.Labels[name] = cut(value)
	}
	if text = encoded(e); len(text) > mostDocument {
		e.Labels = nil
		text = encoded(e)
	}
	return text
}

// encoded is the document; an event that came from the log can be encoded.
func encoded(e heartbeat.Event) string {
	b, err := json.Marshal(heartbeat.EventList{Events: []heartbeat.Event{e}})
	if err != nil {
		return `{"events":[]}`
	}
	return string(b)
}

// cut shortens a text, between two characters.
func cut(s string) string {
	if len(s) <= mostText {
		return s
	}
	end := mostText
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
