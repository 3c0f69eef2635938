package monitor

import (
	"context"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/store"
)

// Tell hands events on. When it returns nil they are durable.
type Tell func(ctx context.Context, events []heartbeat.Event) error

// keeper has a book in a store.
type keeper struct {
	store store.Store
	key   string
	tell  Tell
}

// keepTime bounds reading, writing and telling together.
const keepTime = 5 * time.Second

// turn changes the book by f, which may be called several times, and tells what is
// to be told. With an error nothing is lost: what was to be told is told by the next
// turn.
func (k keeper) turn(ctx context.Context, why string, now time.Time, f func(*book, time.Time)) error {
	now = now.Round(0).UTC() // as it is read back
	ctx, cancel := context.WithTimeout(ctx, keepTime)
	defer cancel()
	var untold []heartbeat.Event
	err := k.store.Update(ctx, k.key, why, func(old []byte) ([]byte, error) {
		b, err := readBook(old, now)
		if err != nil {
			return nil, err
		}
		f(b, now)
		untold = b.Untold
		return b.write()
	})
	if err != nil || len(untold) == 0 {
		return err
	}
	if err := k.tell(ctx, untold); err != nil {
		return err
	}
	return k.store.Update(ctx, k.key, "told", func(old []byte) ([]byte, error) {
		b, err := readBook(old, now)
		if err != nil {
			return nil, err
		}
		b.told(untold)
		return b.write()
	})
}
