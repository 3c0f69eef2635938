package manager

import (
	"context"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/handlers"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/actions/runner"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
)

// grace is how long handlers that were stopped may take to return.
const grace = 2 * time.Second

// startActing makes what keeps and does delayed actions. The manager's own copy
// of the queue lies in the state folder, whatever the store is.
func (m *Manager) startActing() {
	limits := limitsOf(m.cfg.Actions)
	m.ledger = ledger.New(ledger.Options{
		Shared: m.stores.shared, Own: m.stores.own, Manager: m.name, Forgets: m.stores.forgets, Limits: limits,
	})
	h := handlers.Handlers{Site: m, Limit: m.cfg.Actions.Limit, Manager: m.name, Script: m.ruleScript}
	m.runner = runner.New(runner.Options{
		Ledger: m.ledger, Manager: m.name, Limits: limits, Words: m.words, Width: m.cfg.Actions.Width, Grace: grace, Mask: m.mask.Text, Tell: m.tellActed,
		Handler: func(a actions.Action) runner.Handler {
			if m.cfg.Cluster(a.Cluster) == nil {
				return nil // another manager's
			}
			return h.Of(a)
		},
	})
}

func limitsOf(c config.Actions) actions.Limits {
	return actions.Limits{
		First: c.FirstDelay, Longest: c.LongestDelay, Tries: uint64(c.Tries), Lease: c.Lease, Expires: c.Expires, Keep: c.Keep, //nolint:gosec // checked to be 1 or more
	}
}

// wordsOf are what actions of this configuration may be made of.
func wordsOf(clusters []collect.Cluster) actions.Words {
	w := actions.UsualWords()
	w.Groups = make(map[string]map[string]bool, len(clusters))
	for _, c := range clusters {
		groups := map[string]bool{command.All: true, c.Name: true}
		for _, machine := range c.Machines {
			groups[machine.Name], groups[machine.SSH.IP.String()] = true, true
		}
		for _, s := range c.Services {
			groups[s.Target.Name], groups[s.IP.String()] = true, true
		}
		w.Groups[c.Name] = groups
	}
	return w
}

// act does what is due by what was seen, for as long as the configuration gives
// it. What was not covered by the look is as it was recorded, and makes no
// trigger true; in clusters that were not looked at nothing is done.
func (m *Manager) act(ctx context.Context, began *actions.Queue, looked []seen, only func(actions.Action) bool) ([]runner.Told, error) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Actions.Time)
	defer cancel()
	clusters := map[string]bool{}
	for _, s := range looked {
		clusters[s.look.Cluster] = true
	}
	return m.runner.Run(ctx, runner.Input{Status: current(looked), Began: began, Only: func(a actions.Action) bool {
		return clusters[a.Cluster] && (only == nil || only(a))
	}})
}

// current is what looks showed, laid over what was known. Entries that a look with
// a filter did not cover are stale.
func current(looked []seen) heartbeat.Status {
	parts := make([]heartbeat.Status, len(looked))
	for n, s := range looked {
		if parts[n] = s.now; !s.look.Whole {
			parts[n] = s.onlyFresh()
		}
	}
	return heartbeat.Join(parts...)
}

// onlyFresh is the status now in which all is stale that the look did not cover.
func (s seen) onlyFresh() heartbeat.Status {
	fresh := make(map[heartbeat.Key]bool, len(s.look.Instances)+len(s.look.Services))
	for i := range s.look.Instances {
		fresh[s.look.Instances[i].Key()] = true
	}
	for i := range s.look.Services {
		fresh[s.look.Services[i].Key()] = true
	}
	out := s.now
	out.Instances, out.Services = slices.Clone(out.Instances), slices.Clone(out.Services)
	for n := range out.Instances {
		out.Instances[n].Stale = out.Instances[n].Stale || !fresh[out.Instances[n].Key()]
	}
	for n := range out.Services {
		out.Services[n].Stale = out.Services[n].Stale || !fresh[out.Services[n].Key()]
	}
	return out
}

// recorded is the status of all clusters as it was recorded last.
func (m *Manager) recorded(ctx context.Context) (heartbeat.Status, error) {
	parts := make([]heartbeat.Status, 0, len(m.clusters))
	for _, c := range m.clusters {
		rec, err := m.recall(ctx, c.Name)
		if err != nil {
			return heartbeat.Status{}, err
		}
		parts = append(parts, rec.Status)
	}
	return heartbeat.Join(parts...), nil
}

// asker is who gave a command.
func (m *Manager) asker(c command.Command) actions.Asker {
	who := "unknown"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	if behind := os.Getenv("SUDO_USER"); behind != "" {
		who += " (" + behind + ")"
	}
	where := m.name
	if c.Door != "" {
		where += ", by " + c.Door
	}
	return actions.Asker{Who: who, Where: where, Command: m.mask.Text(given(c))}
}

// given is a command as arguments would give it.
func given(c command.Command) string {
	level, kind := c.Level, c.Type
	if level == "holds" {
		level = "" // hold and release stand alone
	}
	if kind == command.All {
		kind = ""
	}
	word := "" // who said that it is meant
	if c.Yes {
		word = "--yes"
	}
	return strings.Join(strings.Fields(strings.Join([]string{
		level, c.Action, groupText(c), kind, c.ID, flag("--when", c.When), flag("--do", c.Do), flag("--after", c.After),
		flag("--plan", c.Plan), flag("--for", c.For), flag("--cluster", c.Cluster), word,
	}, " ")), " ")
}

// groupText is the group where it says something.
func groupText(c command.Command) string {
	if c.Group == command.All && c.Level == "actions" {
		return ""
	}
	return c.Group
}

func flag(name, value string) string {
	if value == "" {
		return ""
	}
	return name + " " + value
}
