package monitor

import (
	"context"
	"fmt"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/store"
)

// Acted is the value of the label remember on events of metrics that want to be
// acknowledged.
const Acted = "acted"

// Acknowledge says that what was to be done for an event of a metric is done, so that
// the metric remembers the event's state. Until then the change is told again. It is
// about the state, whichever of the events that told of it is given; for other events,
// and for what is not watched any more, it does nothing.
func Acknowledge(ctx context.Context, s store.Store, e heartbeat.Event) error {
	if e.Key.Kind != heartbeat.Metrics || e.Labels[labelRemember] != Acted || e.Labels[labelWatch] == "" {
		return nil
	}
	err := s.Update(ctx, metricKey(e.Key.Cluster, e.Labels[labelWatch]), "acted on "+e.ID, func(old []byte) ([]byte, error) {
		if old == nil {
			return nil, nil
		}
		b, err := readBook(old, time.Time{})
		if err != nil {
			return nil, err
		}
		t := b.Tracks[e.Key.Name]
		if t == nil || t.Acked == "" {
			return old, nil
		}
		t.Acked = e.Is.State
		return b.write()
	})
	if err != nil {
		return fmt.Errorf("cannot acknowledge event %s: %w", e.ID, err)
	}
	return nil
}
