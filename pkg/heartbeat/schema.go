package heartbeat

import _ "embed" // the schemas

//go:embed schema/status.json
var statusSchema []byte

//go:embed schema/events.json
var eventsSchema []byte

// StatusSchema returns the JSON Schema of a status document.
func StatusSchema() ([]byte, error) { return statusSchema, nil }

// EventsSchema returns the JSON Schema of an event list.
func EventsSchema() ([]byte, error) { return eventsSchema, nil }
