package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/manager"
)

// newWatchCommand groups the commands about watchers.
func newWatchCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "watch",
		Short: "Show what is watched beside the heartbeat",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newWatchListCommand(a))
	return c
}

func newWatchListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list [GROUP]",
		Short: "List the watchers of this manager, and how they do",
		Long: `List the watchers of this manager, and how they do: what they watch, whether they can,
and how many events they made. What they remember is read; nothing is looked at.

GROUP is all, a cluster, a machine or a watcher.` + "\n" + exitHelp,
		Example: "  clmgr watch list\n  clmgr watch list db1 -o json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.do(cmd.Context(), command.Command{Level: "watch", Action: "list", Group: arg(args, 0)})
		},
	}
}

// watcherTable prints watchers for a person.
func (a *app) watcherTable(list manager.WatcherList) error {
	if len(list.Watchers) == 0 {
		_, err := fmt.Fprintln(a.out, "nothing is watched")
		return err
	}
	clusters := map[string]bool{}
	for _, w := range list.Watchers {
		clusters[w.Cluster] = true
	}
	t := a.newTable(len(clusters) > 1, "WATCHER", "TYPE", "ON", "BY", "WATCHES", "STATE", "SEEN", "EVENTS", "DROPPED", "GAPS", "LAST", "REASON")
	for _, w := range list.Watchers {
		t.row(w.Cluster, w.Name, string(w.Type), dash(w.Instance), w.By, w.Watches, a.paint(w.State, w.Reason == "", false),
			number(w.Seen), number(w.Events), number(w.Dropped), number(w.Gaps), dash(w.Last), w.Reason)
	}
	_, err := fmt.Fprintln(a.out, t.render())
	return err
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
