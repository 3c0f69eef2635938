package watch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/peers"
)

// glance is how often somebody who lists looks again.
const glance = 50 * time.Millisecond

// List watches all managers for a moment, by the shared store alone: a report that
// moves is of one that lives. Where all live that is a moment of one interval; one that
// does not move costs its time to live, or two intervals where this machine's own
// watcher has seen it fail.
func (l *Loop) List(ctx context.Context) (peers.Listing, error) {
	known, err := l.recall(ctx)
	if err != nil {
		return peers.Listing{}, err
	}
	members, err := l.members(ctx)
	if err != nil {
		return peers.Listing{}, err
	}
	all := members.Merge(known.Members)
	names := all.Names()
	for _, name := range l.o.Settings.Only {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	v := viewer{begun: time.Now(), settings: l.o.Settings}
	for _, name := range names {
		if len(l.o.Settings.Only) == 0 || slices.Contains(l.o.Settings.Only, name) || name == l.o.Manager {
			v.seen = append(v.seen, &view{Sight: peers.Sight{Name: name, Known: all.Has(name), Failed: slices.Contains(known.Failed, name)}})
		}
	}
	for {
		left := v.left()
		if len(left) == 0 {
			return v.listing(), nil
		}
		reports, err := l.read(ctx, left)
		if err != nil {
			return peers.Listing{}, fmt.Errorf("cannot list peers: %w", err)
		}
		v.take(reports)
		select {
		case <-ctx.Done():
			return peers.Listing{}, fmt.Errorf("cannot list peers: %w", ctx.Err())
		case <-time.After(glance):
		}
	}
}

// members reads the shared list.
func (l *Loop) members(ctx context.Context) (peers.Members, error) {
	b, err := get(ctx, l.o.Shared, membersKey)
	if err != nil {
		return nil, err
	}
	return peers.DecodeMembers(b)
}

func (l *Loop) read(ctx context.Context, names []string) (map[string]peers.Seen, error) {
	ctx, cancel := context.WithTimeout(ctx, ownTime)
	defer cancel()
	return readReports(ctx, l.o.Shared, names)
}

// viewer watches managers until each has moved or had its time.
type viewer struct {
	begun    time.Time
	settings peers.Settings
	seen     []*view
}

type view struct {
	peers.Sight
	movedAt time.Time
}

// left are those that may still move.
func (v *viewer) left() []string {
	var out []string
	watched := time.Since(v.begun)
	for _, s := range v.seen {
		patience := cmp.Or(s.Report.TTL, v.settings.TTL)
		if s.Failed {
			patience = 2 * cmp.Or(s.Report.Interval, v.settings.Interval)
		}
		if s.Known && !s.Moved && watched < patience {
			out = append(out, s.Name)
		}
	}
	return out
}

// take takes in what was read. The first report only says from where one moves.
func (v *viewer) take(reports map[string]peers.Seen) {
	for _, s := range v.seen {
		r, read := reports[s.Name]
		if !read {
			continue
		}
		s.Watched, s.Problem = time.Since(v.begun), r.Problem
		if r.Problem != "" {
			continue
		}
		if s.Report.Life != "" && (r.Report.Life != s.Report.Life || r.Report.Seq > s.Report.Seq) {
			s.Moved, s.movedAt = true, time.Now()
		}
		s.Report = r.Report
	}
}

func (v *viewer) listing() peers.Listing {
	var out []peers.Sight
	for _, s := range v.seen {
		if s.Moved {
			s.Ago = time.Since(s.movedAt)
		}
		out = append(out, s.Sight)
	}
	return peers.List(out)
}

// Forget takes a manager out of the list; false where it is not in it. Its watchers
// forget it with their next pass. One that still publishes joins again by itself.
func (l *Loop) Forget(ctx context.Context, name string) (bool, error) {
	was := false
	known, err := l.recall(ctx)
	if err != nil {
		return false, err
	}
	_, err = change(ctx, l.o.Shared, func(list peers.Members) peers.Members {
		list = list.Merge(known.Members) // the store may have lost what this machine knows
		was = list.Has(name)
		return list.Without(name)
	})
	if err != nil {
		return false, fmt.Errorf("cannot forget %s: %w", name, err)
	}
	return was, nil
}

// Names are the managers that are known here or in the shared list, for a message.
func (l *Loop) Names(ctx context.Context) string {
	list, err := l.members(ctx)
	if err != nil || len(list.Names()) == 0 {
		return "none"
	}
	return strings.Join(list.Names(), ", ")
}
