package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/secret"
)

// Member is one of the databases of which one takes the writes.
type Member struct {
	Name    string
	Machine job.Machine
	Unit    string
	Addr    netip.AddrPort
	// Master says that it takes writes whenever it starts, by its configuration file.
	Master bool
	// Health answers balancers beside it; nil where nobody asks.
	Health *Health
}

// run executes a script about the member's database.
func (m Member) run(ctx context.Context, script string, stdin io.Reader) (string, error) {
	return placeOf(m.Unit).run(ctx, m.Machine, script, stdin)
}

// Handover gives the role of primary to another member. Never do two take writes: the old
// primary is read_only, by a file that outlasts its restart too, before the new one is not.
//
//	fence   the old primary gets the file, is read_only, and its writers go
//	wait    until the new one has executed all that the old one has logged; where it does
//	        not, the old one takes writes again
//	promote the new one follows nobody and takes writes
//	settle  the others follow it, proved by a row; files that nobody needs go
//
// Who finds it begun goes on from there. Everything is done under a term, which each
// machine compares: what was sent by somebody who was given up since is refused there.
type Handover struct {
	Members  []Member
	To       string
	User     string // replicas log in with
	Password secret.Value
	// Own are accounts of clmgr's, whose connections are let be.
	Own []string
	// SemiSync says that the one that takes writes waits for replicas.
	SemiSync bool
}

// Refused says that nothing was done, and which gate refused it.
type Refused struct {
	Gate, Reason string
	Err          error // why nobody could look; nil where somebody could
}

func (r *Refused) Error() string { return "refused by " + r.Gate + ": " + r.Reason }

func (r *Refused) Unwrap() error { return r.Err }

const (
	// executing is how long the new primary may take to execute what the old one has logged:
	// meanwhile nobody takes writes.
	executing = 10 * time.Second
	// letting is how long writers that are at it have to come to an end.
	letting = 500 * time.Millisecond
)

// Run hands the role over.
func (h Handover) Run(ctx context.Context, j job.Job) error {
	if err := h.run(ctx, &term{unit: j.Unit, epoch: j.Epoch, try: j.Try}); err != nil {
		return fmt.Errorf("cannot hand the role of primary over to %s: %w", h.To, err)
	}
	return nil
}

func (h Handover) run(ctx context.Context, t *term) error {
	seen := h.look(ctx, t)
	s, err := stand(seen, h.To)
	if err != nil {
		return err
	}
	if !s.to.writable {
		if err := h.switchOver(ctx, t, s); err != nil {
			return err
		}
		if seen = h.look(ctx, t); len(lost(seen)) > 0 {
			return lost(seen)[0]
		}
	}
	return h.settle(ctx, t, seen)
}

// switchOver makes the old primary read_only and the new one writable, or neither.
func (h Handover) switchOver(ctx context.Context, t *term, s standing) error {
	err := h.fence(ctx, t, s)
	if err == nil {
		err = h.await(ctx, s)
	}
	if err == nil {
		if _, err = s.to.run(ctx, t.guard()+client, strings.NewReader("STOP ALL SLAVES;\nRESET SLAVE ALL;\n"+waitAlone+"SET GLOBAL read_only = 0;\n")); err == nil {
			return nil
		}
	}
	if ctx.Err() != nil {
		return err // who comes next goes on
	}
	return h.takeBack(ctx, t, s, err)
}

// fence makes the old primary read_only for good.
func (h Handover) fence(ctx context.Context, t *term, s standing) error {
	if !s.old.fenced {
		if _, err := s.old.run(ctx, t.guard()+fenceScript, strings.NewReader(fenceText(h.To, s.old.state))); err != nil {
			return fmt.Errorf("cannot fence %s: %w", s.old.Name, err)
		}
	}
	if _, err := s.old.run(ctx, t.guard()+readOnlyScript(h.Own, letting), nil); err != nil {
		return fmt.Errorf("cannot make %s read_only: %w", s.old.Name, err)
	}
	return nil
}

// await waits until the new primary has executed all that the old one has logged, which
// must not grow any more.
func (h Handover) await(ctx context.Context, s standing) error {
	if s.to.host != "" {
		if _, err := s.to.run(ctx, client, strings.NewReader("START ALL SLAVES;")); err != nil {
			return err
		}
	}
	before, err := s.old.logs(ctx)
	if err != nil {
		return err
	}
	for end := time.Now().Add(executing); time.Now().Before(end); {
		switch reached, err := s.to.reaches(ctx, before, executing); {
		case err != nil:
			return err
		case !reached:
			return fmt.Errorf("%s has not executed what %s has logged (%s) within %s", s.to.Name, s.old.Name, before, executing)
		}
		after, err := s.old.logs(ctx)
		if err != nil {
			return err
		}
		if samePosition(before, after) {
			return nil
		}
		before = after
	}
	return fmt.Errorf("somebody writes to %s in spite of read_only", s.old.Name)
}

// takeBack has the old primary take writes again where the new one has not come to take
// them. A new term keeps that from happening later.
func (h Handover) takeBack(ctx context.Context, t *term, s standing, why error) error {
	seen := h.look(ctx, t)
	to := find(seen, h.To)
	switch {
	case to.err != nil:
		return fmt.Errorf("%w; and whether %s takes writes cannot be seen: %w", why, to.Name, to.err)
	case to.writable:
		return h.settle(ctx, t, seen) // it had come through
	case to.host == "":
		return why // it has all, follows nobody any more, and is made writable by the next try
	}
	if _, err := s.old.run(ctx, t.guard()+client+" && rm -f "+fenceFile, strings.NewReader("SET GLOBAL read_only = 0;")); err != nil {
		return fmt.Errorf("%w; and %s does not take writes again yet: %w", why, s.old.Name, err)
	}
	return fmt.Errorf("%w; %s takes the writes again", why, s.old.Name)
}

// settle has all others follow the new primary.
func (h Handover) settle(ctx context.Context, t *term, seen []memberSeen) error {
	to := find(seen, h.To)
	var all sync.WaitGroup
	failures := make([]error, len(seen))
	for n, m := range seen {
		if m.Name == h.To {
			continue
		}
		all.Go(func() {
			if failures[n] = h.follow(ctx, t, m, to); failures[n] != nil {
				failures[n] = fmt.Errorf("cannot have %s follow %s: %w", m.Name, to.Name, failures[n])
			}
		})
	}
	all.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	for _, m := range seen {
		if m.fenced && (m.Name == h.To || !m.Master) {
			if _, err := m.run(ctx, t.guard()+"rm -f "+fenceFile, nil); err != nil {
				return fmt.Errorf("cannot take the fence of %s away: %w", m.Name, err)
			}
		}
	}
	return nil
}

// follow has a member follow the new primary, unless it does.
func (h Handover) follow(ctx context.Context, t *term, m memberSeen, to *memberSeen) error {
	r := Replica{
		Name: m.Name, Machine: m.Machine, Database: MariaDB{Unit: m.Unit}, Source: to.Name, SourceMachine: to.Machine, SourceUnit: to.Unit,
		SourceAddr: to.Addr, User: h.User, Password: h.Password, SemiSync: h.SemiSync,
	}
	if m.lacks(r) == "" {
		return nil
	}
	statements := r.changeMaster()
	if m.host == "" {
		// It was the primary: where it is in the history stands in its own log alone.
		if beyond := ahead(m.logged, to.logged); beyond != "" {
			return &Refused{Gate: GateErrant, Reason: fmt.Sprintf("it has logged %s, which %s has not", beyond, to.Name)}
		}
		statements = "SET GLOBAL read_only = 1;\nSTOP ALL SLAVES;\nSET GLOBAL gtid_slave_pos = @@GLOBAL.gtid_binlog_pos;\n" + statements
	}
	if h.SemiSync {
		statements = goAlone + statements
	}
	if _, err := m.run(ctx, t.guard()+client, strings.NewReader(statements)); err != nil {
		return err
	}
	return r.verify(ctx)
}
