package provision

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// joining is how long balancers may take to lead clients to a database that is back.
const joining = 20 * time.Second

// Candidate is the replica that could take over best; a *Refused says why there is none.
func (h Handover) Candidate(ctx context.Context) (string, error) { return choose(h.look(ctx, nil)) }

// MayRestart says why the member To must not be restarted now.
func (h Handover) MayRestart(ctx context.Context) error { return mayRestart(h.look(ctx, nil), h.To) }

// CaughtUp waits until the replica To has all that its source has now, and balancers lead
// clients to it again. A *NotYet says that it is on its way.
func (h Handover) CaughtUp(ctx context.Context) error {
	if err := h.caughtUp(ctx); err != nil {
		return fmt.Errorf("cannot see %s catch up: %w", h.To, err)
	}
	for _, m := range h.Members {
		if m.Health != nil && m.Name == h.To {
			return m.Health.joined(ctx, m, joining)
		}
	}
	return nil
}

func (h Handover) caughtUp(ctx context.Context) error {
	end := time.Now().Add(replicating)
	for {
		seen := h.look(ctx, nil)
		m := find(seen, h.To)
		if m == nil {
			return fmt.Errorf("there is no database %s", h.To)
		}
		if m.err != nil {
			return m.err
		}
		of := m.source(seen)
		if of != nil && m.io == "Yes" && m.sql == "Yes" {
			return m.catchUp(ctx, of)
		}
		switch {
		case !m.running:
			return fmt.Errorf("it does not run")
		case of == nil:
			return fmt.Errorf("it follows none of the others")
		case time.Now().After(end):
			return fmt.Errorf("%s", m.lacks(Replica{SourceAddr: of.Addr}))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// catchUp waits until it has executed what its source has logged by now.
func (s memberSeen) catchUp(ctx context.Context, of *memberSeen) error {
	out, err := of.run(ctx, client, strings.NewReader("SELECT @@GLOBAL.gtid_binlog_pos"))
	if err != nil {
		return fmt.Errorf("cannot see where %s is: %w", of.Name, err)
	}
	position := strings.TrimSpace(out)
	switch reached, err := s.reaches(ctx, position, replicating); {
	case err != nil:
		return err
	case !reached:
		return &NotYet{fmt.Sprintf("%s has not come to %s of %s yet", s.Name, position, of.Name)}
	}
	return nil
}
