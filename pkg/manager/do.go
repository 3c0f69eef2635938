package manager

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/clmgr/clmgr/pkg/actions/handlers"
	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
)

// verb executes one action of one level.
type verb func(*Manager, context.Context, command.Command) command.Result

// verbs is everything Do can do, by level and action.
func verbs() map[string]map[string]verb {
	return map[string]map[string]verb{
		"instances": verbsOfInstances(),
		"services":  verbsOfServices(),
		"actions": {
			"list":   (*Manager).listActions,
			"show":   (*Manager).listActions,
			"add":    (*Manager).addActions,
			"retry":  (*Manager).changeActions,
			"cancel": (*Manager).changeActions,
		},
		"holds": {
			"list":    (*Manager).listHolds,
			"hold":    (*Manager).hold,
			"release": (*Manager).release,
		},
		"watch": {
			"list": (*Manager).listWatchers,
		},
		"rules": {
			"list": (*Manager).listRules,
			"test": (*Manager).testRules,
		},
		"peers": {
			"list":   (*Manager).listPeers,
			"forget": (*Manager).forgetPeer,
		},
		"alerts": {
			"list":      (*Manager).listAlerts,
			"test":      (*Manager).testAlerts,
			"silence":   (*Manager).silence,
			"unsilence": (*Manager).unsilence,
		},
		"events": {
			"list":  (*Manager).events,
			"treat": (*Manager).giveEvents,
		},
	}
}

func verbsOfInstances() map[string]verb {
	return map[string]verb{
		"heartbeat": (*Manager).heartbeat,
		"status":    (*Manager).status,
		"launch":    (*Manager).power,
		"start":     (*Manager).power,
		"stop":      (*Manager).power,
		"terminate": (*Manager).power,

		"associate":    (*Manager).moveAddress,
		"disassociate": (*Manager).moveAddress,
		"status_eip":   (*Manager).addressStatus,
		"status_vip":   (*Manager).addressStatus,

		"actions":      (*Manager).listActions,
		"actions_init": (*Manager).clearActions,
	}
}

func verbsOfServices() map[string]verb {
	return map[string]verb{
		"status":  (*Manager).status,
		"start":   (*Manager).lifecycle,
		"stop":    (*Manager).lifecycle,
		"restart": (*Manager).lifecycle,

		handlers.BootstrapBinaries: (*Manager).lifecycle,
		handlers.BootstrapNCC:      (*Manager).lifecycle,
		handlers.BootstrapConfig:   (*Manager).lifecycle,
		handlers.Install:           (*Manager).lifecycle,
		handlers.Replicate:         (*Manager).lifecycle,
		handlers.Sync:              (*Manager).lifecycle,
		handlers.Adopt:             (*Manager).lifecycle,
		handlers.Remove:            (*Manager).lifecycle,
		handlers.RollingRestart:    (*Manager).rollingRestart,
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

// Together tells whether commands that follow one another are executed with one
// write for all of them, by DoAll.
func Together(c command.Command) bool { return c.Level == "actions" && c.Action == "add" }

// DoAll executes commands in their order and answers each. They are all of the
// kind that Together tells, or there is only one.
func (m *Manager) DoAll(ctx context.Context, list []command.Command) []command.Result {
	if len(list) == 1 {
		return []command.Result{m.Do(ctx, list[0])}
	}
	all := make([]command.Command, len(list))
	for n, c := range list {
		all[n] = c.Normal()
	}
	out := m.addAll(ctx, all)
	for n := range out {
		out[n].Reason = m.mask.Text(out[n].Reason)
	}
	return out
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
func (m *Manager) cover(ctx context.Context, c command.Command) ([]chosen, error) {
	out := m.choose(c)
	if len(out) == 0 {
		out = m.choose(m.byName(ctx, c))
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

func (m *Manager) choose(c command.Command) []chosen {
	var out []chosen
	for _, cl := range m.clusters {
		if s := collect.Select(cl, c, m.own); !s.Empty() {
			out = append(out, chosen{cl, s})
		}
	}
	return out
}

// byName is a command whose group is an instance's id with the machine's name in
// its place; any other is returned as it is.
func (m *Manager) byName(ctx context.Context, c command.Command) command.Command {
	if !strings.HasPrefix(c.Group, "i-") {
		return c
	}
	for _, cl := range m.clusters {
		finder, ok := cl.Driver.(*cloud.Cache)
		if !ok || c.Cluster != "" && c.Cluster != cl.Name {
			continue
		}
		if name, ok := finder.Find(ctx, c.Group); ok {
			c.Group, c.Cluster = name, cl.Name
			return c
		}
	}
	return c
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

// oneLine is what an error says, in one line: several joined ones with "; " between.
func oneLine(err error) string {
	var words []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line != "" {
			words = append(words, line)
		}
	}
	return strings.Join(words, "; ")
}
