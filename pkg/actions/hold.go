package actions

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
)

// Hold keeps everything from being started in a group. Until is somebody's word
// about a time of day: it is read on each manager's own wall clock.
type Hold struct {
	ID       ID
	Cluster  string // empty for every cluster
	Group    string // all, a cluster, a service, an ip, or a machine's id or name
	Until    time.Time
	Reason   string
	By       Asker
	At       time.Time
	Released time.Time // zero while it is not
}

// Active tells whether it holds at now.
func (h Hold) Active(now time.Time) bool {
	return h.Released.IsZero() && (h.Until.IsZero() || now.Before(h.Until))
}

// over is when it was released or ran out; zero for never.
func (h Hold) over() time.Time {
	if !h.Released.IsZero() {
		return h.Released
	}
	return h.Until
}

// String tells who holds and why.
func (h Hold) String() string {
	s := h.Group
	if h.Cluster != "" && h.Cluster != h.Group {
		s += " of " + h.Cluster
	}
	s += " is held by " + h.By.Who + ": " + h.Reason
	if !h.Until.IsZero() {
		s += ", until " + h.Until.Format(time.RFC3339)
	}
	return s
}

// Hold adds a hold under the writer's next id and returns it.
func (q *Queue) Hold(writer string, h Hold) (Hold, error) {
	switch {
	case !writerOK(writer):
		return Hold{}, fmt.Errorf("cannot hold %s: %q cannot be the name of a writer", h.Group, writer)
	case h.Group == "":
		return Hold{}, errors.New("cannot hold: no group is named")
	case h.Reason == "":
		return Hold{}, fmt.Errorf("cannot hold %s: no reason is given", h.Group)
	case !h.Until.IsZero() && !h.Until.After(h.At):
		return Hold{}, fmt.Errorf("cannot hold %s: it would be over at once", h.Group)
	}
	h.ID, h.Released = q.next(writer), time.Time{}
	h.Until, h.At = plain(h.Until), plain(h.At)
	q.putHold(h)
	return h, nil
}

// Release ends all active holds of a group, in one cluster or (empty) whatever
// cluster they name, and returns them.
func (q *Queue) Release(cluster, group string, now time.Time) []Hold {
	var out []Hold
	for _, h := range q.Holds(now) {
		if h.Group == group && (cluster == "" || cluster == h.Cluster) {
			h.Released = plain(now)
			q.holds[h.ID] = h
			out = append(out, h)
		}
	}
	return out
}

// Holds returns the holds that are active at now, the oldest first.
func (q *Queue) Holds(now time.Time) []Hold {
	var out []Hold
	for _, h := range q.holds {
		if h.Active(now) {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b Hold) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return a.ID.Compare(b.ID)
	})
	return out
}

func mergeHold(a, b Hold) Hold {
	released := later(a.Released, b.Released)
	if compareHold(a, b) < 0 {
		a = b
	}
	a.Released = released
	return a
}

func compareHold(a, b Hold) int {
	for _, c := range []int{
		a.At.Compare(b.At), a.Until.Compare(b.Until), strings.Compare(a.Cluster, b.Cluster),
		strings.Compare(a.Group, b.Group), strings.Compare(a.Reason, b.Reason), compareAsker(a.By, b.By),
	} {
		if c != 0 {
			return c
		}
	}
	return 0
}

// plain strips what makes equal times unequal values.
func plain(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Round(0)
}

// holdsOf are the active holds, by what they hold.
type holdsOf struct {
	of       map[holdKey]*Hold
	clusters map[string]*Hold // any hold inside a cluster; "" for one of every cluster
}

type holdKey struct{ cluster, group string }

func (q *Queue) holdsAt(now time.Time) holdsOf {
	out := holdsOf{of: make(map[holdKey]*Hold), clusters: make(map[string]*Hold)}
	for _, h := range q.Holds(now) {
		group := h.Group
		if group == h.Cluster {
			group = command.All
		}
		if k := (holdKey{h.Cluster, group}); out.of[k] == nil {
			out.of[k] = &h
		}
		if out.clusters[h.Cluster] == nil {
			out.clusters[h.Cluster] = &h
		}
	}
	return out
}
