package turn

import (
	"context"
	"errors"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/rules"
)

// The label by which an event of a metric says that its value is remembered only
// after what was done for it has ended well.
const (
	rememberLabel = "remember"
	whenActed     = "acted"
)

func wantsToKnow(e heartbeat.Event) bool {
	return e.Key.Kind == heartbeat.Metrics && e.Labels[rememberLabel] == whenActed
}

// settle acknowledges the events whose actions have ended well, and forgets those
// whose actions have ended otherwise: who watches tells of them again.
func (t *Turner) settle(ctx context.Context, s held) error {
	if len(s.Acting) == 0 || t.o.Acknowledge == nil {
		return nil
	}
	view, err := t.o.Ledger.Look(ctx)
	if err != nil && !errors.As(err, new(*ledger.Unshared)) {
		return err
	}
	var left []rules.Acting
	var failures error
	for _, acting := range s.Acting {
		a, known := view.Queue.Get(acting.ID)
		switch {
		case known && (a.State() == actions.Waiting || a.State() == actions.Running):
			left = append(left, acting)
		case known && a.State() == actions.Done:
			if err := t.o.Acknowledge(ctx, acting.Event); err != nil {
				failures = errors.Join(failures, err)
				left = append(left, acting)
			}
		}
	}
	if len(left) == len(s.Acting) {
		return failures
	}
	next := s
	next.Acting = left
	return errors.Join(failures, t.store(ctx, next))
}
