package ledger

import (
	"bytes"
	"encoding/json"
	"sync"

	"github.com/clmgr/clmgr/pkg/actions"
)

// cache remembers what was last read or written: reading ten thousand actions
// costs a hundred times what comparing their bytes does. The two documents
// mostly hold the same queue, which is then read, and written out, once.
type cache struct {
	mu    sync.Mutex
	raw   []byte // of queue
	queue *actions.Queue
	in    actions.Decoder
	out   actions.Encoder
}

// page remembers one document.
type page struct {
	mu    sync.Mutex
	raw   []byte
	name  string // what it bears besides the queue
	queue *actions.Queue
}

func (c *cache) decode(raw []byte) (*actions.Queue, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queue == nil || !bytes.Equal(c.raw, raw) {
		q, err := c.in.Decode(raw)
		if err != nil {
			return nil, err
		}
		c.raw, c.queue = bytes.Clone(raw), q
	}
	return c.queue.Clone(), nil
}

func (c *cache) encode(q *actions.Queue) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queue != nil && c.queue.Equal(q) {
		return c.raw, nil
	}
	raw, err := c.out.Encode(q)
	if err == nil {
		c.raw, c.queue = raw, q.Clone()
	}
	return raw, err
}

// recall returns what is known of exactly that document.
func (p *page) recall(raw []byte) (name string, q *actions.Queue, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queue == nil || !bytes.Equal(p.raw, raw) {
		return "", nil, false
	}
	return p.name, p.queue.Clone(), true
}

func (p *page) remember(raw []byte, name string, q *actions.Queue) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.raw, p.name, p.queue = bytes.Clone(raw), name, q.Clone()
}

// join makes a document of its head and a queue that is encoded already, which
// json.Marshal would read all through.
func join(head any, queue []byte) ([]byte, error) {
	raw, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	raw = append(raw[:len(raw)-1], `,"queue":`...)
	return append(append(raw, queue...), '}'), nil
}
