package manager

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
)

// verb executes one action of one level.
type verb func(*Manager, context.Context, command.Command) command.Result

// verbs is everything Do can do, by level and action.
func verbs() map[string]map[string]verb {
	return map[string]map[string]verb{
		"instances": {
			"heartbeat": (*Manager).heartbeat,
			"status":    (*Manager).status,
			"launch":    (*Manager).power,
			"start":     (*Manager).power,
			"stop":      (*Manager).power,
			"terminate": (*Manager).power,
		},
		"services": {"status": (*Manager).status},
		"events":   {"list": (*Manager).events},
	}
}

// Do executes a command and answers it. The answer is the same whichever door
// the command came through; no secret is in it.
func (m *Manager) Do(ctx context.Context, c command.Command) command.Result {
	c = c.Normal()
	level, ok := verbs()[c.Level]
	if !ok {
		return command.Fail(c, command.NotUnderstood, fmt.Errorf("cannot do %s %s: there is no level %q, only %s", c.Level, c.Action, c.Level, words(verbs())))
	}
	act, ok := level[c.Action]
	if !ok {
		return command.Fail(c, command.NotUnderstood, fmt.Errorf("cannot do %s %s: there is no action %q, only %s", c.Level, c.Action, c.Action, words(level)))
	}
	r := act(m, ctx, c)
	r.Reason = m.mask.Text(r.Reason)
	return r
}

// words lists the keys of a table for an error message.
func words[V any](table map[string]V) string {
	var out []string
	for w := range table {
		out = append(out, w)
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}

// chosen is a cluster and what a command covers of it.
type chosen struct {
	cluster collect.Cluster
	covers  collect.Selection
}

func (c chosen) keys() map[heartbeat.Key]bool { return c.covers.Keys(c.cluster.Name) }

// cover applies the command's filters to all clusters. A filter that covers
// nothing is an error that lists what exists.
func (m *Manager) cover(c command.Command) ([]chosen, error) {
	var out []chosen
	for _, cl := range m.clusters {
		if s := collect.Select(cl, c, m.own); !s.Empty() {
			out = append(out, chosen{cl, s})
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	if c.Cluster != "" && m.cfg.Cluster(c.Cluster) == nil {
		return nil, fmt.Errorf("cannot choose: there is no cluster %q, only %s", c.Cluster, strings.Join(m.cfg.ClusterNames(), ", "))
	}
	scope := m.clusters
	if c.Cluster != "" {
		scope = nil
		for _, cl := range m.clusters {
			if cl.Name == c.Cluster {
				scope = append(scope, cl)
			}
		}
	}
	return nil, fmt.Errorf("cannot choose: nothing matches group %q and type %q; groups are %s; types are %s",
		c.Group, c.Type, short(collect.Groups(scope)), short(collect.Types(scope)))
}

// short joins words, and of very many only the first.
func short(list []string) string {
	const most = 60
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}

// interrupted answers a command whose caller no longer waits.
func interrupted(ctx context.Context, c command.Command) (command.Result, bool) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return command.Fail(c, command.Interrupted, errors.New("interrupted; nothing was recorded")), true
	}
	return command.Result{}, false
}
