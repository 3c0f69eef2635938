package alert

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Silence keeps everything it matches from being told until its end. Cluster, Kind and
// Name are patterns with * and ?; an empty one matches everything.
type Silence struct {
	ID      string    `json:"id"`
	Cluster string    `json:"cluster,omitempty"`
	Kind    string    `json:"type,omitempty"`
	Name    string    `json:"name,omitempty"`
	Until   time.Time `json:"until"`
	At      time.Time `json:"time"`
	By      string    `json:"by,omitempty"`
	Reason  string    `json:"reason"`
}

func (x *Silence) matches(k heartbeat.Key) bool {
	return glob(x.Cluster, k.Cluster) && glob(x.Kind, string(k.Kind)) && glob(x.Name, k.Name)
}

// Silenced tells whether nothing is told of a subject at now.
func (s *State) Silenced(k heartbeat.Key, now time.Time) bool {
	for i := range s.Silences {
		if x := &s.Silences[i]; now.Before(x.Until) && x.matches(k) {
			return true
		}
	}
	return false
}

// Silence adds a silence, gives it an id, and returns it.
func (s *State) Silence(x Silence) (Silence, error) {
	switch {
	case x.Reason == "":
		return x, errors.New("cannot silence: no reason is given")
	case !x.Until.After(x.At):
		return x, errors.New("cannot silence: it would be over at once")
	}
	s.Seq++
	x.ID = "s" + strconv.FormatUint(s.Seq, 10)
	s.Silences = append(s.Silences, x)
	return x, nil
}

// Unsilence ends the silence of that id, or all of them, and returns what it ended.
func (s *State) Unsilence(id string, all bool) ([]Silence, error) {
	var ended []Silence
	s.Silences = slices.DeleteFunc(s.Silences, func(x Silence) bool {
		if all || x.ID == id {
			ended = append(ended, x)
			return true
		}
		return false
	})
	if len(ended) == 0 && !all {
		return nil, fmt.Errorf("cannot end silence %q: there is none of that id; clmgr alerts list shows them", id)
	}
	return ended, nil
}
