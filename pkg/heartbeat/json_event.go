package heartbeat

import (
	"encoding/json"
	"fmt"
	"time"
)

// wireEvent is the seed's event (ip, name, type, previous_state, state,
// previous_code, code) and our additions.
type wireEvent struct {
	Cluster        string            `json:"cluster,omitempty"`
	Code           wireCode          `json:"code"`
	ID             string            `json:"id,omitempty"`
	IP             *string           `json:"ip"`
	Labels         map[string]string `json:"labels,omitempty"`
	Manager        string            `json:"manager,omitempty"`
	Name           string            `json:"name"`
	PreviousCode   wireCode          `json:"previous_code"`
	PreviousState  string            `json:"previous_state"`
	PreviousStatus string            `json:"previous_status,omitempty"`
	Reason         string            `json:"reason,omitempty"`
	State          string            `json:"state"`
	Status         string            `json:"status,omitempty"`
	Time           string            `json:"time,omitempty"`
	Type           Kind              `json:"type"`
}

// EventList is the document {"events":[…]}.
type EventList struct {
	Events []Event `json:"events"`
}

// MarshalJSON gives the event in the seed's shape; what has no code has "0".
func (e Event) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireEvent{
		Cluster: e.Key.Cluster, Code: writeCode(e.Is), ID: e.ID, IP: textIP(e.IP), Manager: e.Manager,
		Name: e.Key.Name, PreviousCode: writeCode(e.Was), PreviousState: e.Was.State, PreviousStatus: e.Was.Role,
		Reason: e.Reason, Labels: e.Labels, State: e.Is.State, Status: e.Is.Role, Time: eventTime(e.At), Type: e.Key.Kind,
	})
}

func writeCode(p Point) wireCode {
	if p.Code == "" {
		return "0"
	}
	return wireCode(p.Code)
}

// UnmarshalJSON reads an event of ours or of the 2012 clmgr, whose codes are
// sometimes numbers.
func (e *Event) UnmarshalJSON(b []byte) error {
	var w wireEvent
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("cannot read event: %w", err)
	}
	var r times
	*e = Event{
		ID: w.ID, Key: Key{w.Cluster, w.Type, w.Name}, IP: r.ip(w.IP), Manager: w.Manager, Reason: w.Reason, Labels: w.Labels,
		Was: Point{w.PreviousState, readCode(w.Type, w.PreviousCode), w.PreviousStatus},
		Is:  Point{w.State, readCode(w.Type, w.Code), w.Status},
		At:  r.parse(w.Time),
	}
	return r.err
}

// eventTime keeps milliseconds, so that events of one second keep their order.
func eventTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}
