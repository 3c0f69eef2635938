package ledger

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/clmgr/clmgr/pkg/actions"
)

// shared is the document that managers share.
type shared struct {
	name  string // drawn when the document began
	queue *actions.Queue
}

type wireSharedHead struct {
	Version int    `json:"version"`
	Name    string `json:"name"`
}

type wireShared struct {
	wireSharedHead
	Queue json.RawMessage `json:"queue"`
}

const sharedVersion = 1

// decodeShared reads the document; nil gives an empty one without a name.
func (l *Ledger) decodeShared(raw []byte) (shared, error) {
	if raw == nil {
		return shared{queue: &actions.Queue{}}, nil
	}
	if name, q, known := l.sharedPage.recall(raw); known {
		return shared{name: name, queue: q}, nil
	}
	var w wireShared
	err := json.Unmarshal(raw, &w)
	switch {
	case err == nil && w.Version > sharedVersion:
		err = fmt.Errorf("%w (version %d, this one knows up to %d)", actions.ErrNewer, w.Version, sharedVersion)
	case err == nil && (w.Version < 1 || w.Name == ""):
		err = errors.New("it has no version or no name")
	case err == nil && w.Queue == nil:
		err = errors.New("it has no queue")
	}
	var q *actions.Queue
	if err == nil {
		q, err = l.queues.decode(w.Queue)
	}
	if err != nil {
		return shared{}, fmt.Errorf("cannot read the shared queue: %w; nothing was overwritten: look at the document %q in the store", err, sharedKey)
	}
	l.sharedPage.remember(raw, w.Name, q)
	return shared{name: w.Name, queue: q}, nil
}

func (l *Ledger) encodeShared(s shared) ([]byte, error) {
	queue, err := l.queues.encode(s.queue)
	if err != nil {
		return nil, err
	}
	raw, err := join(wireSharedHead{sharedVersion, s.name}, queue)
	if err == nil {
		l.sharedPage.remember(raw, s.name, s.queue)
	}
	return raw, err
}
