package turn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/clmgr/clmgr/pkg/eventlog"
	"github.com/clmgr/clmgr/pkg/rules"
	"github.com/clmgr/clmgr/pkg/store"
)

// held is what is stored: what the rules remember, and up to where they have read.
type held struct {
	rules.State
	place eventlog.Place
}

// storeTime bounds one access to the store, apart from the heartbeat's own time.
const storeTime = 5 * time.Second

// load reads what is stored; known is false where nothing is.
func (t *Turner) load(ctx context.Context) (s held, known bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	b, err := t.o.Store.Get(ctx, stateKey)
	if errors.Is(err, store.ErrNotFound) {
		return held{}, false, nil
	}
	var place json.RawMessage
	if err == nil {
		s.State, place, err = rules.DecodeState(b)
	}
	if err == nil {
		err = json.Unmarshal(place, &s.place)
	}
	if err != nil {
		return held{}, false, fmt.Errorf("%w; nothing was overwritten: look at %s in the state folder and move it away to begin anew", err, stateKey)
	}
	return s, true, nil
}

// recall is load, and where nothing is stored the beginning, which is stored first:
// after a crash in the first turn the second one must find the same events.
func (t *Turner) recall(ctx context.Context, since time.Time) (held, error) {
	s, known, err := t.load(ctx)
	if known || err != nil {
		return s, err
	}
	if s.place, err = t.o.Log.Before(ctx, since); err != nil {
		return held{}, err
	}
	return s, t.store(ctx, s)
}

// keep stores what comes after s, if that differs, and returns it.
func (t *Turner) keep(ctx context.Context, s, next held) (held, error) {
	if s.place == next.place && len(next.Outbox) == 0 && same(s.State, next.State) {
		return s, nil
	}
	return next, t.store(ctx, next)
}

// same tells whether two states say the same. That firings were forgotten which do
// not count any more is no difference: it is found again.
func same(a, b rules.State) bool {
	return reflect.DeepEqual(a.Waiting, b.Waiting) && len(a.Kept) == len(b.Kept) && len(a.Acting) == len(b.Acting)
}

// store stores s. Who holds the lock is alone.
func (t *Turner) store(ctx context.Context, s held) error {
	place, err := json.Marshal(s.place)
	if err != nil {
		return fmt.Errorf("cannot encode a place in the event log: %w", err)
	}
	b, err := s.Encode(place)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	return t.o.Store.Update(ctx, stateKey, "rules", func([]byte) ([]byte, error) { return b, nil })
}
