package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The journal of a machine's launches is one document, written before the call
// and after it:
//
//	(none) ──► asked ──► done ──► closed ──► asked …
//	             └── refused ──────▲
//
// "asked" holds the client token and the exact request: whoever finds it makes
// that same call again, whatever process began it, and the API answers with the
// one instance the token stands for. "done" holds its id. "closed" is a launch
// whose instance is gone, or that the API refused: the next one takes a new token.
type launchJournal struct {
	documents Documents
	key       string
	name      string
}

type launchState string

const (
	launchAsked  launchState = "asked"
	launchDone   launchState = "done"
	launchClosed launchState = "closed"
)

// journalVersion is the version of the document this program writes.
const journalVersion = 1

type launchRecord struct {
	Version  int           `json:"version"`
	State    launchState   `json:"state,omitempty"` // empty: there never was a launch
	Token    string        `json:"token,omitempty"`
	Request  launchRequest `json:"request,omitzero"`
	Instance string        `json:"instance,omitempty"`
	At       time.Time     `json:"at,omitzero"` // when State began
}

func (e *EC2) journal(m Machine) launchJournal {
	return launchJournal{e.o.Documents, "launch/" + e.o.Cluster + "/" + m.Name, m.Name}
}

func (j launchJournal) decode(b []byte) (launchRecord, error) {
	var r launchRecord
	if b == nil {
		return r, nil
	}
	err := json.Unmarshal(b, &r)
	if err == nil && (r.Version < 1 || r.Version > journalVersion) {
		err = fmt.Errorf("it has version %d, this program knows up to %d", r.Version, journalVersion)
	}
	if err != nil {
		return r, fmt.Errorf("cannot read the journal of launches of %s: %w; look at the document %s, nothing was overwritten", j.name, err, j.key)
	}
	return r, nil
}

// read returns the record, the zero one where there is none.
func (j launchJournal) read(ctx context.Context) (launchRecord, error) {
	b, err := j.documents.Get(ctx, j.key)
	if err != nil {
		return launchRecord{}, fmt.Errorf("cannot read the journal of launches of %s: %w", j.name, err)
	}
	return j.decode(b)
}

// change stores what f makes of the record and returns what is stored then.
func (j launchJournal) change(ctx context.Context, why string, f func(launchRecord) launchRecord) (launchRecord, error) {
	var next launchRecord
	err := j.documents.Update(ctx, j.key, why, func(old []byte) ([]byte, error) {
		was, err := j.decode(old)
		if err != nil {
			return nil, err
		}
		next = f(was)
		if next == was {
			return old, nil
		}
		next.Version = journalVersion
		return json.Marshal(next)
	})
	if err != nil {
		return launchRecord{}, fmt.Errorf("cannot write the journal of launches of %s: %w", j.name, err)
	}
	return next, nil
}

// ask returns the launch to make: the one under way where there is one, else a
// new one of this token and request. It is stored when ask returns.
func (j launchJournal) ask(ctx context.Context, token string, request launchRequest, now time.Time) (launchRecord, error) {
	return j.change(ctx, "launch", func(was launchRecord) launchRecord {
		if was.State == launchAsked || was.State == launchDone {
			return was
		}
		return launchRecord{State: launchAsked, Token: token, Request: request, At: now}
	})
}

// done records the instance that a token stands for.
func (j launchJournal) done(ctx context.Context, token, instance string, now time.Time) error {
	if token == "" || instance == "" {
		return errors.New("cannot record a launch without token and instance")
	}
	_, err := j.change(ctx, "launched", func(was launchRecord) launchRecord {
		if was.Token != token || was.State != launchAsked {
			return was
		}
		was.State, was.Instance, was.At = launchDone, instance, now
		return was
	})
	return err
}

// end closes the launch of a token, unless another has begun since.
func (j launchJournal) end(ctx context.Context, token string, now time.Time) error {
	_, err := j.change(ctx, "launch closed", func(was launchRecord) launchRecord {
		if was.Token != token || was.State == launchClosed {
			return was
		}
		was.State, was.At = launchClosed, now
		return was
	})
	return err
}
