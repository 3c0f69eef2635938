package turn_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/rules/turn"
	"github.com/clmgr/clmgr/pkg/store"
)

// crashes counts what is written, and from one of these on, before or after it, has
// everything fail: what a crash leaves is what was stored until then.
type crashes struct {
	count, at int // at 0 never
	after     bool
	crashed   bool
}

var errCrashed = errors.New("crashed")

func (c *crashes) around(write func() error) error {
	c.count++
	if c.crashed || c.count == c.at && !c.after {
		c.crashed = true
		return errCrashed
	}
	err := write()
	if c.count == c.at {
		c.crashed = true
		return errCrashed
	}
	return err
}

// crashing is a store whose writes crash.
type crashing struct {
	store.Store
	c *crashes
}

func (s *crashing) Update(ctx context.Context, key, why string, f func([]byte) ([]byte, error)) error {
	return s.c.around(func() error { return s.Store.Update(ctx, key, why, f) })
}

// A turn that crashes before or after any of its writes is finished by the next one:
// each event queues its action once, though what was queued may be over by then, and
// each decision is told once.
func TestCrashes(t *testing.T) {
	calm := newScene(t)
	calm.begin()
	calm.turn()
	writes := calm.crashes.count
	if writes < 6 {
		t.Fatalf("only %d writes", writes)
	}
	for at := 1; at <= writes; at++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(at, after), func(t *testing.T) {
				dir := t.TempDir()
				s := openScene(t, dir)
				s.begin()
				s.crashes.at, s.crashes.after = at, after
				since := time.Now().Add(-time.Minute)
				if _, err := turn.New(s.opts).Turn(t.Context(), time.Now(), since); !errors.Is(err, errCrashed) && err != nil {
					t.Fatal(err)
				}
				s = openScene(t, dir)
				s.finish(true)
				s.turn()
				s.turn()
				for _, asked := range []string{"rule restart for event e1", "rule restart for event e2", "rule told for event e3"} {
					if got := s.queued()[asked]; len(got) != 1 {
						t.Errorf("%s: %d actions", asked, len(got))
					}
				}
				if told := s.told(); told["acts"] != 3 || len(told) != 1 {
					t.Errorf("told: %v", told)
				}
			})
		}
	}
}

// begin logs what the rules are about.
func (s *scene) begin() {
	s.happen(heartbeat.Logs, "e1", 1, nil)
	s.happen(heartbeat.Logs, "e2", 2, nil)
	s.happen(heartbeat.Metrics, "e3", 3, map[string]string{"remember": "acted"})
}
