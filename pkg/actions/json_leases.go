package actions

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

type wireLeases struct {
	Version  int         `json:"version"`
	Document string      `json:"document"`
	Seen     wireInstant `json:"seen"`
	Passed   bool        `json:"passed,omitempty"`
	Claims   []wireSight `json:"claims"`
}

type wireInstant struct {
	Boot  string `json:"boot"`
	Since span   `json:"since"`
}

type wireSight struct {
	ID    ID          `json:"id"`
	Claim *wireClaim  `json:"claim"`
	First wireInstant `json:"first"`
}

// DecodeLeases reads what a manager keeps of leases; nil gives nothing.
func DecodeLeases(b []byte) (Leases, error) {
	if b == nil {
		return Leases{}, nil
	}
	var w wireLeases
	if err := json.Unmarshal(b, &w); err != nil {
		return Leases{}, fmt.Errorf("cannot read leases: %w", err)
	}
	switch {
	case w.Version > queueVersion:
		return Leases{}, fmt.Errorf("cannot read leases: %w (document version %d, this one knows up to %d)", ErrNewer, w.Version, queueVersion)
	case w.Version < 1:
		return Leases{}, errors.New("cannot read leases: they have no version")
	}
	l := Leases{
		Document: w.Document, Seen: w.Seen.instant(), Passed: w.Passed,
		Claims: make(map[ID][]Sighting, len(w.Claims)),
	}
	for _, s := range w.Claims {
		if s.Claim == nil {
			return Leases{}, fmt.Errorf("cannot read leases: %s has no claim", s.ID)
		}
		l.Claims[s.ID] = append(l.Claims[s.ID], Sighting{s.Claim.claim(), s.First.instant()})
	}
	return l, nil
}

// Encode gives the bytes to keep: the same for the same leases.
func (l Leases) Encode() ([]byte, error) {
	w := wireLeases{
		Version: queueVersion, Document: l.Document, Seen: instantOf(l.Seen), Passed: l.Passed,
		Claims: make([]wireSight, 0, len(l.Claims)),
	}
	for _, id := range slices.SortedFunc(maps.Keys(l.Claims), ID.Compare) {
		for _, s := range l.Claims[id] {
			w.Claims = append(w.Claims, wireSight{id, claimOf(s.Claim), instantOf(s.First)})
		}
	}
	return json.Marshal(w)
}

func instantOf(i Instant) wireInstant { return wireInstant{i.Boot, span(i.Since)} }

func (w wireInstant) instant() Instant { return Instant{w.Boot, time.Duration(w.Since)} }
