package plan

import (
	"encoding/json"

	"github.com/clmgr/clmgr/pkg/command"
)

// Document is the plans of several services, as they are shown.
type Document struct{ Plans []Plan }

// Plan is the way of one service to what is wished for it.
type Plan struct {
	Cluster, Service string
	Steps            []Step
	Code             command.Code // what the last step waits for; OK where it need not
	Reason           string
	Changes          []string // what the last step comes to, where it was looked at
}

type wirePlan struct {
	Cluster string       `json:"cluster"`
	Service string       `json:"service"`
	Code    command.Code `json:"code"`
	Reason  string       `json:"reason,omitempty"`
	Steps   []wireStep   `json:"steps"`
	Changes []string     `json:"changes,omitempty"`
}

type wireStep struct {
	Do     string    `json:"do"`
	State  StepState `json:"state"`
	Reason string    `json:"reason,omitempty"`
}

// MarshalJSON encodes {"plans":[{"cluster":…,"service":…,"code":…,"steps":[{"do":
// "services:install:node10","state":"done|due|waits","reason":…}],"changes":["…"]}]}.
func (d Document) MarshalJSON() ([]byte, error) {
	out := make([]wirePlan, 0, len(d.Plans))
	for _, p := range d.Plans {
		w := wirePlan{Cluster: p.Cluster, Service: p.Service, Code: p.Code, Reason: p.Reason, Changes: p.Changes, Steps: []wireStep{}}
		for _, s := range p.Steps {
			w.Steps = append(w.Steps, wireStep{Do: s.Text(), State: s.State, Reason: s.Reason})
		}
		out = append(out, w)
	}
	return json.Marshal(map[string]any{"plans": out})
}

// Text is what the step does, as LEVEL:ACTION:GROUP.
func (s Step) Text() string { return s.Do.Level + ":" + s.Do.Action + ":" + s.Do.Group }
