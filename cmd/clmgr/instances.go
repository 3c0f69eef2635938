package main

import (
	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
)

const filterHelp = `
GROUP is all, local (this machine), a service, a machine, its id, an ip or a cluster.
TYPE is all, db, nosql, proxy, lb, bench, other, or a mode such as mariadb.`

// newInstancesCommand groups the commands about machines.
func newInstancesCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "instances",
		Short: "Look at machines, and change their power",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newHeartbeatCommand(a), newStatusCommand(a, "instances"))
	c.AddCommand(newPowerCommands(a)...)
	c.AddCommand(newAddressCommands(a)...)
	c.AddCommand(newQueueCommands(a)...)
	return c
}

// newHeartbeatCommand looks, compares and records.
func newHeartbeatCommand(a *app) *cobra.Command {
	var last, facts, noAct bool
	c := &cobra.Command{
		Use:   "heartbeat [GROUP] [TYPE]",
		Short: "Look at everything, tell what changed since the last look, and do what is due",
		Long: `Look at machines and services, record what was seen, tell what changed, and do what of
the queue of delayed actions is due.

Machines are tried over SSH, services in their own protocol, all at once and within
the heartbeat's deadline. What could not be seen keeps its last known state, marked
stale, and makes no event. With a filter only what it covers is updated and compared.
` + filterHelp + "\n" + exitHelp,
		Example: `  clmgr instances heartbeat
  clmgr instances heartbeat all db -o json
  clmgr instances heartbeat --last      # what was seen last, without looking`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.do(cmd.Context(), command.Command{
				Level: "instances", Action: "heartbeat", Group: arg(args, 0), Type: arg(args, 1), Last: last, Facts: facts, NoAct: noAct,
			})
		},
	}
	c.Flags().BoolVar(&last, "last", false, "print what was recorded last, with ages, and look at nothing")
	c.Flags().BoolVar(&facts, "facts", false, "also what moves by itself: positions, lag, load, free memory")
	c.Flags().BoolVar(&noAct, "no-act", false, "do nothing of what is due, only look, record and tell")
	return c
}

// newStatusCommand looks and records nothing.
func newStatusCommand(a *app, level string) *cobra.Command {
	var facts bool
	c := &cobra.Command{
		Use:     "status [GROUP] [TYPE]",
		Short:   "Look at " + level + " and record nothing",
		Long:    "Look at " + level + " now, record nothing and make no events.\n" + filterHelp + "\n" + exitHelp,
		Example: "  clmgr " + level + " status\n  clmgr " + level + " status node10",
		Args:    cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.do(cmd.Context(), command.Command{
				Level: level, Action: "status", Group: arg(args, 0), Type: arg(args, 1), Facts: facts,
			})
		},
	}
	c.Flags().BoolVar(&facts, "facts", false, "also what moves by itself: positions, lag, load, free memory")
	return c
}

// arg returns the n-th argument, empty where it was not given.
func arg(args []string, n int) string {
	if n < len(args) {
		return args[n]
	}
	return ""
}
