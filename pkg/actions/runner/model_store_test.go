package runner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/store"
)

// memory is the documents of a store, and how often they changed.
type memory struct {
	mu      sync.Mutex
	docs    map[string][]byte
	before  map[string][]byte // what was there before the last change
	version int
	// changed is called with what is stored, in the one order there is.
	changed func(key string, old, next []byte)
}

func newMemory() *memory {
	return &memory{docs: map[string][]byte{}, before: map[string][]byte{}}
}

func (m *memory) get(key string) ([]byte, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.docs[key], m.version
}

// swap stores next if nothing changed since version.
func (m *memory) swap(key string, version int, next []byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.version != version {
		return false
	}
	old := m.docs[key]
	if bytes.Equal(old, next) {
		return true
	}
	m.before[key], m.docs[key] = old, next
	m.version++
	if m.changed != nil {
		m.changed(key, old, next)
	}
	return true
}

func (m *memory) flush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.docs)
	clear(m.before)
	m.version++
	m.changed("", nil, nil)
}

// way is the way of one process to a memory: a store.Store on which things go
// wrong. The process's own disk is perfect, as long as the process lives.
type way struct {
	*memory
	p      *life
	shared bool
}

var errDead = errors.New("this process was killed")

func (v *way) broken() error {
	switch {
	case v.p.isDead():
		return errDead
	case v.shared && v.p.node.isCut():
		return errDown
	}
	return nil
}

func (v *way) Get(_ context.Context, key string) ([]byte, error) {
	if err := v.broken(); err != nil {
		return nil, err
	}
	doc, _ := v.get(key)
	if v.shared && v.p.chance(10) { // the answer was on its way while somebody wrote
		v.mu.Lock()
		if old, was := v.before[key]; was && old != nil {
			doc = old
		}
		v.mu.Unlock()
	}
	if doc == nil {
		return nil, store.ErrNotFound
	}
	return bytes.Clone(doc), nil
}

func (v *way) Update(ctx context.Context, key, why string, f func([]byte) ([]byte, error)) error {
	for {
		if err := v.broken(); err != nil {
			return err
		}
		doc, version := v.get(key)
		next, err := f(bytes.Clone(doc))
		if err != nil {
			return fmt.Errorf("cannot store %q (%s): %w", key, why, err)
		}
		if v.shared && !bytes.Equal(doc, next) {
			if again, err := v.trouble(ctx, key, version, next); err != nil || again {
				if err != nil {
					return err
				}
				continue
			}
		}
		if v.broken() == nil && v.swap(key, version, next) {
			return v.after()
		}
	}
}

// trouble is what can happen between the read and the write.
func (v *way) trouble(ctx context.Context, key string, version int, next []byte) (again bool, err error) {
	p := v.p
	switch {
	case p.chance(8): // somebody else was faster
		return true, nil
	case p.chance(9): // the network is slow
		time.Sleep(time.Duration(p.intn(4000)) * time.Millisecond)
	case p.chance(4): // it arrives after everybody has given up
		late := time.Duration(p.intn(8000)) * time.Millisecond
		p.w.all.Go(func() {
			time.Sleep(late)
			v.swap(key, version, next)
		})
		<-ctx.Done()
		return false, fmt.Errorf("%w: %w", store.ErrUnknown, ctx.Err())
	}
	return false, nil
}

// after is what can happen after the write.
func (v *way) after() error {
	switch p := v.p; {
	case !v.shared:
	case p.chance(2):
		v.p.kill()
		return errDead
	case p.chance(6):
		return fmt.Errorf("%w: the answer got lost", store.ErrUnknown)
	}
	return nil
}

// ended is what a shared document says of an action.
type ended struct {
	Done      bool `json:"done"`
	Cancelled bool `json:"cancelled"`
}

func endedIn(doc []byte) (map[actions.ID]ended, error) {
	var w struct {
		Queue struct {
			Actions []struct {
				ID       actions.ID `json:"id"`
				Progress ended      `json:"progress"`
			} `json:"actions"`
		} `json:"queue"`
	}
	if err := json.Unmarshal(doc, &w); err != nil {
		return nil, err
	}
	out := map[actions.ID]ended{}
	for _, a := range w.Queue.Actions {
		out[a.ID] = a.Progress
	}
	return out, nil
}

// queueIn reads the queue in a shared document.
func queueIn(doc []byte) (*actions.Queue, error) {
	var w struct {
		Queue json.RawMessage `json:"queue"`
	}
	if err := json.Unmarshal(doc, &w); err != nil {
		return nil, err
	}
	return actions.Decode(w.Queue)
}
