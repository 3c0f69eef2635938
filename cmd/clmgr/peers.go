package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/peers"
)

// newPeersCommand groups the commands about other managers.
func newPeersCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "peers",
		Short: "Show the managers that watch one another",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newPeersListCommand(a), newPeersForgetCommand(a))
	return c
}

func newPeersListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the managers, and what they publish of themselves",
		Long: `List the managers that share the store, and the latest valid metrics of those that run,
newest first.

It watches for new reports by itself, whether or not a daemon runs here: for one
interval where all managers run, for its time to live where one does not.` + "\n" + exitHelp,
		Example: "  clmgr peers list\n  clmgr peers list -o json | jq '.peers[] | select(.state != \"running\")'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.do(cmd.Context(), command.Command{Level: "peers", Action: "list"})
		},
	}
}

func newPeersForgetCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "forget NAME",
		Short: "Watch a manager no more that is gone for good",
		Long: `Watch a manager no more that is gone for good. One whose daemon still runs comes back by
itself.` + "\n" + exitHelp,
		Example: "  clmgr peers forget manager3",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.do(cmd.Context(), command.Command{Level: "peers", Action: "forget", Group: args[0]})
		},
	}
}

// peerTable prints managers and their metrics for a person.
func (a *app) peerTable(l peers.Listing) error {
	if len(l.Peers) == 0 {
		_, err := fmt.Fprintln(a.out, "no manager publishes here")
		return err
	}
	t := a.newTable(false, "MANAGER", "IP", "STATE", "REASON")
	for _, p := range l.Peers {
		t.row("", p.Name, ip(p.IP), a.paint(p.State, p.State == heartbeat.Running, false), p.Reason)
	}
	out := t.render()
	if len(l.Metrics) > 0 {
		t = a.newTable(false, "MANAGER", "METRIC", "AGE", "GOOD FOR", "VALUE")
		for _, m := range l.Metrics {
			t.row("", m.Peer, m.Name, m.Age.Round(time.Second/10).String(), m.TTL.String(), m.Value)
		}
		out += "\n\n" + t.render()
	}
	_, err := fmt.Fprintln(a.out, out)
	return err
}
