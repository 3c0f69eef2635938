package send

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/clmgr/clmgr/pkg/alert"
	"github.com/clmgr/clmgr/pkg/eventlog"
	"github.com/clmgr/clmgr/pkg/store"
)

// key is where the document is in the manager's own store.
const key = "alerts"

// version is the version of the document that this program writes.
const version = 1

// document is everything that is remembered, in one swap.
type document struct {
	Version int            `json:"version"`
	After   eventlog.Place `json:"after"` // what was read of the event log
	alert.State
}

// decode reads the document, the empty one where there is none.
func decode(raw []byte) (document, error) {
	d := document{Version: version}
	if raw == nil {
		return d, nil
	}
	err := json.Unmarshal(raw, &d)
	switch {
	case err != nil:
	case d.Version > version:
		err = fmt.Errorf("written by a newer clmgr (version %d, this one knows up to %d)", d.Version, version)
	case d.Version < 1:
		err = errors.New("it has no version")
	}
	if err != nil {
		return d, fmt.Errorf("cannot read the alerts: %w; nothing was overwritten: look at the document %q in the manager's own store and move it away to begin anew", err, key)
	}
	return d, nil
}

func (d document) encode() ([]byte, error) {
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("cannot encode the alerts: %w", err)
	}
	return raw, nil
}

// read gets the document's bytes, nil where there is none.
func (s *Sender) read(ctx context.Context) ([]byte, error) {
	raw, err := s.opts.Store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the alerts: %w", err)
	}
	return raw, nil
}

// update changes the document in one swap.
func (s *Sender) update(ctx context.Context, why string, f func(*document) error) error {
	err := s.opts.Store.Update(ctx, key, why, func(old []byte) ([]byte, error) {
		d, err := decode(old)
		if err == nil {
			err = f(&d)
		}
		if err != nil {
			return nil, err
		}
		return d.encode()
	})
	if err != nil {
		return fmt.Errorf("cannot change the alerts: %w", err)
	}
	return nil
}
