package logs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/clmgr/clmgr/pkg/store"
)

// State is what a loop remembers, one document.
type State struct {
	Version int `json:"version"`
	// At is where to go on: all watchers are done with what stands before it. "" is
	// before the first start.
	At string `json:"at,omitempty"`
	// Watches are the watchers, by name.
	Watches map[string]*Progress `json:"watches"`
	Trouble Trouble              `json:"trouble,omitzero"`
}

// Progress is how far a watcher is.
type Progress struct {
	Told    Place     `json:"told,omitzero"` // behind the last line that it is done with
	Last    time.Time `json:"last,omitzero"` // the time of that line
	Lines   int64     `json:"lines"`         // that it was done with
	Events  int64     `json:"events"`        // that matched and were told
	Dropped int64     `json:"dropped"`       // that matched and were only counted
	Gaps    int64     `json:"gaps"`
	Rate    rate      `json:"rate,omitzero"`
}

// Trouble is why nothing can be read.
type Trouble struct {
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
	Told   bool      `json:"told,omitempty"` // by an event
}

const stateVersion = 1

// ReadState reads what a loop remembered under a key; where that is nothing, the state
// before the first start.
func ReadState(ctx context.Context, s store.Store, key string) (*State, error) {
	out := &State{Version: stateVersion}
	doc, err := s.Get(ctx, key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if err == nil {
		if err := json.Unmarshal(doc, out); err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", key, err)
		}
	}
	if out.Version != stateVersion {
		return nil, fmt.Errorf("cannot read %s: it is of version %d, this clmgr knows %d", key, out.Version, stateVersion)
	}
	if out.Watches == nil {
		out.Watches = map[string]*Progress{}
	}
	for name, p := range out.Watches {
		if p == nil {
			return nil, fmt.Errorf("cannot read %s: nothing stands under %q", key, name)
		}
	}
	return out, nil
}

// write stores the state.
func (s *State) write(ctx context.Context, to store.Store, key string) error {
	doc, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", key, err)
	}
	return to.Update(ctx, key, "lines watched", func([]byte) ([]byte, error) { return doc, nil })
}

// keep leaves only the watchers of these names, and adds those that are missing.
func (s *State) keep(names []string) {
	kept := map[string]*Progress{}
	for _, n := range names {
		if kept[n] = s.Watches[n]; kept[n] == nil {
			kept[n] = &Progress{}
		}
	}
	s.Watches = kept
}
