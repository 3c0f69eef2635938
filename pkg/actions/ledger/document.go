package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/clmgr/clmgr/pkg/actions"
)

// document is one of the two copies as it is stored: a queue with a name. The
// name of the shared one is drawn when it begins, that of the own one is its writer.
type document struct {
	name  string // empty where there is none yet
	queue *actions.Queue
	raw   []byte // as it was read; nil where there was none
}

// same tells whether q is what was read.
func (d document) same(q *actions.Queue) bool { return d.raw != nil && d.queue.Equal(q) }

type wireHead struct {
	Version int    `json:"version"`
	Name    string `json:"name"`
}

type wireDocument struct {
	wireHead
	Queue json.RawMessage `json:"queue"`
}

const documentVersion = 1

// page reads and writes one of the documents, and remembers the last one.
type page struct {
	queues *cache // shared with the other page: mostly both hold the same queue

	mu   sync.Mutex
	last document
}

// decode reads a document; nil gives an empty one without a name.
func (p *page) decode(raw []byte) (document, error) {
	if raw == nil {
		return document{queue: &actions.Queue{}}, nil
	}
	if d, known := p.recall(raw); known {
		return d, nil
	}
	var w wireDocument
	err := json.Unmarshal(raw, &w)
	switch {
	case err != nil:
		return document{}, err
	case w.Version > documentVersion:
		return document{}, fmt.Errorf("%w (version %d, this one knows up to %d)", actions.ErrNewer, w.Version, documentVersion)
	case w.Version < 1 || w.Name == "":
		return document{}, errors.New("it has no version or no name")
	case w.Queue == nil:
		return document{}, errors.New("it has no queue")
	}
	q, err := p.queues.decode(w.Queue)
	if err != nil {
		return document{}, err
	}
	d := document{w.Name, q, raw}
	p.remember(d)
	return d, nil
}

// encode gives the bytes to store. They are joined of the head and a queue that is
// encoded already, which json.Marshal would read all through.
func (p *page) encode(name string, q *actions.Queue) ([]byte, error) {
	queue, err := p.queues.encode(q)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(wireHead{documentVersion, name})
	if err != nil {
		return nil, err
	}
	raw = append(raw[:len(raw)-1], `,"queue":`...)
	raw = append(append(raw, queue...), '}')
	p.remember(document{name, q, raw})
	return raw, nil
}

// recall returns what is known of exactly that document.
func (p *page) recall(raw []byte) (document, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last.raw == nil || !bytes.Equal(p.last.raw, raw) {
		return document{}, false
	}
	return document{p.last.name, p.last.queue.Clone(), raw}, true
}

func (p *page) remember(d document) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = document{d.name, d.queue.Clone(), bytes.Clone(d.raw)}
}
