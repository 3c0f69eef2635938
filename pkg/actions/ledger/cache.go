package ledger

import (
	"bytes"
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
