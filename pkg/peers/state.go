package peers

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// State is what a watcher has to know after a restart: what it said, so that it says
// nothing twice, and what it could not tell yet. It is the manager's own.
type State struct {
	Version   int                        `json:"version"`
	Members   Members                    `json:"members,omitempty"`
	Failed    []string                   `json:"failed,omitempty"` // PEER or PEER/METRIC, sorted
	Isolation *Isolation                 `json:"isolation,omitempty"`
	Outbox    []heartbeat.Event          `json:"outbox,omitempty"`  // not told yet, oldest first
	Gaps      map[string][]time.Duration `json:"gaps_ns,omitempty"` // between the reports of each peer
}

// Isolation is that the watcher itself is cut off.
type Isolation struct {
	Silence bool     `json:"silence,omitempty"` // by the silence of most peers; else the store does not answer
	Lost    []string `json:"lost,omitempty"`    // the peers that are not seen, sorted
	Of      int      `json:"of,omitempty"`      // how many were seen before
}

// stateVersion is that of the document.
const stateVersion = 1

// DecodeState reads the document; nil is the state of who begins.
func DecodeState(b []byte) (State, error) {
	s := State{Version: stateVersion}
	if b == nil {
		return s, nil
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("cannot read what is known of peers: %w", err)
	}
	if s.Version != stateVersion {
		return s, fmt.Errorf("cannot read what is known of peers: it is of version %d, known is %d", s.Version, stateVersion)
	}
	return s, nil
}

// Encode gives the document.
func (s State) Encode() ([]byte, error) {
	s.Version = stateVersion
	return json.Marshal(s)
}

// Told returns the state without events that were told.
func (s State) Told(events []heartbeat.Event) State {
	told := map[string]bool{}
	for _, e := range events {
		told[e.ID] = true
	}
	s.Outbox = slices.DeleteFunc(slices.Clone(s.Outbox), func(e heartbeat.Event) bool { return told[e.ID] })
	return s
}
